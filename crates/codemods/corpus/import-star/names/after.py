from os.path import exists, join

print(join("a", "b"), exists("c"), join)
