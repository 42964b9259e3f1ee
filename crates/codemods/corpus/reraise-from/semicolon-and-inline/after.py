try: g()
except ValueError as e: print(e); raise KeyError(1) from e; print(2)
