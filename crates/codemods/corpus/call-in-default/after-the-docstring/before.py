class A:
    def f(self, a: int = g(1), *, b=h(), c=3):
        """Doc.

        More.
        """

        # First.
        return a, b, c
