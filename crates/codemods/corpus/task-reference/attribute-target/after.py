import asyncio

_background_tasks = set()


async def f(loop):
    self.x = asyncio.create_task(g())
    loop = asyncio.get_event_loop()
    task = loop.create_task(g())
    _background_tasks.add(task)
    task.add_done_callback(_background_tasks.discard)
