def f(a=g()): return a
