from typing import (Dict)

x: Dict = {}
