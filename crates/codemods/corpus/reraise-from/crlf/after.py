try:
	g()
except ValueError as exc:
	raise KeyError(
		"a") from exc
