import sys

if sys.platform == "win32":
    import winreg  # only there


def f():
    import json
    import os
