import asyncio

class A:
	async def f(self):
		asyncio.create_task(g())