try: g()
except ValueError as e: print(e); raise KeyError(1); print(2)
