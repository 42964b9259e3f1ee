from . import near
from ..far import thing, other as same

print(thing)
