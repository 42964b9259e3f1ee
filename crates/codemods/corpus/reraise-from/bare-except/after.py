try:
    g()
except BaseException as exc:
    raise KeyError from exc
