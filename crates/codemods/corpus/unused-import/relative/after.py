from ..far import thing

print(thing)
