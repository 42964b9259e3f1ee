import typing


class A:
    a = dict()
