import asyncio

_pending_tasks = set()

_background_tasks = 1


async def f(task):
    background_task = asyncio.create_task(task())
    _pending_tasks.add(background_task)
    background_task.add_done_callback(_pending_tasks.discard)
