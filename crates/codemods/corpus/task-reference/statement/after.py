import asyncio

_background_tasks = set()


async def f():
    task = asyncio.create_task(g())
    _background_tasks.add(task)
    task.add_done_callback(_background_tasks.discard)
