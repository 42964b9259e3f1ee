try:
    g()
except ValueError as e:
    raise e.with_traceback(None)
