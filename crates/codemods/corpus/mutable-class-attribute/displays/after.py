"""Doc."""

from __future__ import annotations

from typing import ClassVar
import os


class A:
    a: ClassVar[list] = []
    b: ClassVar[dict] = {}
    c: ClassVar[set] = {1, 2}
    d: ClassVar[list] = [x for x in os.environ]

    def f(self):
        local = []
        return local
