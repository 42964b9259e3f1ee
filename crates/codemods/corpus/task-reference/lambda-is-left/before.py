import asyncio

f = lambda: asyncio.create_task(g())


class A:
    asyncio.create_task(g())
