import json, sys

print(sys.path, json)
