import collections


class A:
    a = collections.defaultdict(list)
    b = collections.OrderedDict()
