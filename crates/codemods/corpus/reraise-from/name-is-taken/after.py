def f(exc):
    try:
        g(exc)
    except ValueError as err:
        raise KeyError(exc) from err
