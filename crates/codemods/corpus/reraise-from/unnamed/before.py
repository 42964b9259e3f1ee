def f():
    try:
        g()
    except (ValueError, KeyError):  # why
        if g:
            raise RuntimeError
        raise RuntimeError(
            "b",
        )  # end
