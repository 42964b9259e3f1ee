from typing import Optional


def f(a: Optional[int] = g(), b: "int | None" = g()):
    return a, b
