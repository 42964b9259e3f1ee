import typing


class A:
    a: typing.ClassVar[dict] = dict()
