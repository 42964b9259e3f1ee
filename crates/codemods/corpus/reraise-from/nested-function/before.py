try:
    g()
except ValueError as e:
    def f():
        raise KeyError
    raise TypeError
