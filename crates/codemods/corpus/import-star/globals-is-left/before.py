from a import *

print(thing, globals()["other"])
