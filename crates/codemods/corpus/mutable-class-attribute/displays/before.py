"""Doc."""

from __future__ import annotations

import os


class A:
    a = []
    b = {}
    c = {1, 2}
    d = [x for x in os.environ]

    def f(self):
        local = []
        return local
