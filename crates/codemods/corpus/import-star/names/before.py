from os.path import *

print(join("a", "b"), exists("c"), join)
