from typing import ClassVar


class A:
    a: ClassVar[list[int]] = []
    b: ClassVar["dict[str, int]"] = {}
