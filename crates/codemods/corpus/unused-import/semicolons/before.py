import os; x = 1; import sys; import json

print(x)
