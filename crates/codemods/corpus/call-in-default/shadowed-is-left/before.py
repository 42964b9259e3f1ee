def f(a=g(), b=h(a)):
    g = 1
    return a, b, g
