try:
    g()
except ValueError:
    try:
        h()
    except TypeError:
        raise KeyError("inner")
    raise KeyError("outer")
