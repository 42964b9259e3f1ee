from typing import ClassVar as CV


class A:
    a = list()
    b: CV[int] = 1
