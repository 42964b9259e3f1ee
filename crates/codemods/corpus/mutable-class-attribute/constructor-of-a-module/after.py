from typing import ClassVar
import collections


class A:
    a: ClassVar[collections.defaultdict] = collections.defaultdict(list)
    b: ClassVar[collections.OrderedDict] = collections.OrderedDict()
