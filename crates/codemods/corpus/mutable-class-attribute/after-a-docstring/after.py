"""Doc."""

from typing import ClassVar


class A:
    a: ClassVar[list] = []
