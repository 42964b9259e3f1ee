def f(x=None):
    if x is None:
        x = g()
    return x
