def f(a=object()):
    return a
