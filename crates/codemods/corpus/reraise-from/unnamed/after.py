def f():
    try:
        g()
    except (ValueError, KeyError) as exc:  # why
        if g:
            raise RuntimeError from exc
        raise RuntimeError(
            "b",
        ) from exc  # end
