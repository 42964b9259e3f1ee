try:
    g()
except ValueError as e:
    e = str(e)
    raise KeyError(e)
