try:
    import numpy
except ImportError:
    numpy_missing = True
