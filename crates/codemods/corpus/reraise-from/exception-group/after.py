try:
    g()
except* ValueError as exc:
    raise KeyError from exc
