import json, os as system, sys

print(sys.path, json)
