import asyncio

_background_tasks = 1


async def f(task):
    asyncio.create_task(task())
