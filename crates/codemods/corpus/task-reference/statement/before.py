import asyncio


async def f():
    asyncio.create_task(g())
