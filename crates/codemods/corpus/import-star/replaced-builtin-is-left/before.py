from os import *

print(getcwd(), open("a"))
