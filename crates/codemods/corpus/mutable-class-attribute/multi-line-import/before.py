from typing import (
    Any,
)


class A:
	a: Any = 1
	b = {
		1: 2,
	}
