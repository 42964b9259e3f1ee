#!/usr/bin/env python3
# Licence.
from typing import ClassVar


class A:
    a: ClassVar[list] = []; b = 1
