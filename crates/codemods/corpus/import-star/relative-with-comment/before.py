"""Doc."""
from .models import *  # noqa: E402

print(User, Account)
