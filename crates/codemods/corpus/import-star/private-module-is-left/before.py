from _a import *

print(thing)
