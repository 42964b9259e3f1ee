try:
    g()
except ValueError as exc:
    try:
        h()
    except TypeError as err:
        raise KeyError("inner") from err
    raise KeyError("outer") from exc
