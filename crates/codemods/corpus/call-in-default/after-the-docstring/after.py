class A:
    def f(self, a: int = g(1), *, b=None, c=3):
        """Doc.

        More.
        """
        if b is None:
            b = h()

        # First.
        return a, b, c
