from typing import overload


@overload
def f(a=g()): ...
@overload
def f(a=h()):
    ...
def f(a):
    return a
