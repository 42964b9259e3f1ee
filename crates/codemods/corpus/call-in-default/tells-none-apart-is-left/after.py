def f(a=g()):
    if a is None:
        return 1
    return a
