from a import *

print(1)
