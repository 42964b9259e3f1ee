try:
    g()
except* ValueError:
    raise KeyError
