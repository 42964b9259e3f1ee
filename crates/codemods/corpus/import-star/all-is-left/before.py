from a import *

__all__ = ["thing"]
print(thing)
