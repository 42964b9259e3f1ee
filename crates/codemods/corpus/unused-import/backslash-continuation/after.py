from os.path import split

print(split)
