from os.path import join, \
    split, \
    exists

print(split)
