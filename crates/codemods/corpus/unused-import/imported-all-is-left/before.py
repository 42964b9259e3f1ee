from io import __all__, BytesIO

print(BytesIO)
