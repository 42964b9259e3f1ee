import asyncio


async def f(loop):
    self.x = asyncio.create_task(g())
    loop = asyncio.get_event_loop()
    loop.create_task(g())
