from typing import ClassVar
from typing import (
    Any,
)


class A:
	a: Any = 1
	b: ClassVar[dict] = {
		1: 2,
	}
