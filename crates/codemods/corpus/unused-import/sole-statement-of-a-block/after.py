import sys

if sys.platform == "win32":
    pass  # only there


def f():
    pass
