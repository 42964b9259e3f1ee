class A:
    size = 3

    def f(self, a=g(size)):
        return a
