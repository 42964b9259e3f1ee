try:
    import uvloop
except ImportError:
    uvloop = None
from asyncio import create_task


async def f():
    create_task(g(uvloop))
