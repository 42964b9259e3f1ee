def f(a=g()):
	"""Doc."""
	return a
