def f(exc):
    try:
        g(exc)
    except ValueError:
        raise KeyError(exc)
