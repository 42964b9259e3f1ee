class ClassVar:
    pass


class A:
    a = []
