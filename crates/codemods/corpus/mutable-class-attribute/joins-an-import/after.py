from typing import Any, ClassVar, Optional

x: Any = None


class A:
    a: ClassVar[Optional[list]] = []
