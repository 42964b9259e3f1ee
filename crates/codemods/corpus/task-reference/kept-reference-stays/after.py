import asyncio


async def f():
    task = asyncio.create_task(g())
    await task
