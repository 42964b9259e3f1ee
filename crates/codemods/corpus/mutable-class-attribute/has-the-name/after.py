from typing import ClassVar as CV


class A:
    a: CV[list] = list()
    b: CV[int] = 1
