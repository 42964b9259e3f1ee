"""Doc."""
import asyncio
from a import b

_background_tasks = set()

X = 1


async def f():
    task = asyncio.create_task(g())  # why
    _background_tasks.add(task)
    task.add_done_callback(_background_tasks.discard)
    if b:
        task = asyncio.ensure_future(g(
            1,
        ))
        _background_tasks.add(task)
        task.add_done_callback(_background_tasks.discard)
