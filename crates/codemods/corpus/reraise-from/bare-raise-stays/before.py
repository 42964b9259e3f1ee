try:
    g()
except ValueError as e:
    print(e)
    raise
