if True:
	from a import *

print(thing)
