for i in range(3):
    def f(a=g(i)):
        return a
