try:
    import uvloop
except ImportError:
    uvloop = None
from asyncio import create_task

_background_tasks = set()


async def f():
    task = create_task(g(uvloop))
    _background_tasks.add(task)
    task.add_done_callback(_background_tasks.discard)
