if True:
	from a import thing

print(thing)
