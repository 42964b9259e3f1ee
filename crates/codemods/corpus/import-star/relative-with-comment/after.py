"""Doc."""
from .models import Account, User  # noqa: E402

print(User, Account)
