from typing import (
    Any,
    Dict,  # TODO[T4-ISSUE]: {"code":"F401","status":"planned"}
    List,  # about lists
    Optional,
)

x: Any = 1
y: Optional[int] = None
