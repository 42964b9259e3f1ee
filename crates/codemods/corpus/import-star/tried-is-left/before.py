try:
    from a import *
except ImportError:
    pass
print(thing)
