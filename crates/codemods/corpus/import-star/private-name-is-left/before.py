from a import *

print(_hidden)
