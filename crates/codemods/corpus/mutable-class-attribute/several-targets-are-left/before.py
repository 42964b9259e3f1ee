class A:
    a = b = []
