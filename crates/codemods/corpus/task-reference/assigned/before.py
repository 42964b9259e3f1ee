import asyncio


async def f():
    unused = asyncio.create_task(g())
