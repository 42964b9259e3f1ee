import os  # about the system
import sys  # noqa: E402

print()
