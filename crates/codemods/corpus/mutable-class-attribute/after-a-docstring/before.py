"""Doc."""


class A:
    a = []
