class A:
    a: list[int] = []
    b: "dict[str, int]" = {}
