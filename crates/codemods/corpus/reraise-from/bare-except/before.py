try:
    g()
except:
    raise KeyError
