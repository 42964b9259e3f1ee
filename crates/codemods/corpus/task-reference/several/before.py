"""Doc."""
import asyncio
from a import b

X = 1


async def f():
    asyncio.create_task(g())  # why
    if b:
        asyncio.ensure_future(g(
            1,
        ))
