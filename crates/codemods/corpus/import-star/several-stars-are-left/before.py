from a import *
from b import *

print(thing)
