import asyncio

_background_tasks = set()


async def f():
    unused = asyncio.create_task(g())
    _background_tasks.add(unused)
    unused.add_done_callback(_background_tasks.discard)
