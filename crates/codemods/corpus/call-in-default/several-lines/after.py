def f(
    a=None,
    b=2,
):
    if a is None:
        a = g(
        1,  # one
    )
    return a, b
