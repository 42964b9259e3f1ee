from typing import (
    Any,
    # about lists
    Optional,
)

x: Any = 1
y: Optional[int] = None
