from typing import Any, Optional

x: Any = None


class A:
    a: Optional[list] = []
