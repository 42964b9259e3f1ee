def f(x=g()):
    return x
