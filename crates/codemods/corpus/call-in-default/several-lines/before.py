def f(
    a=g(
        1,  # one
    ),
    b=2,
):
    return a, b
