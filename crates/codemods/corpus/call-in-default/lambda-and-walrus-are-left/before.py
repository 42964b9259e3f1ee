def f(a=g(lambda: 1), b=(c := g())):
    return a, b
