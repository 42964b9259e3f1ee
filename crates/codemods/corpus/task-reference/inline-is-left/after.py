import asyncio


async def f(x):
    if x: asyncio.create_task(g())
    print(); asyncio.create_task(g())
