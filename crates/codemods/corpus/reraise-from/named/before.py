def f():
    try:
        g()
    except ValueError as e:
        raise KeyError("a")
