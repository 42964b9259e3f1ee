import asyncio

_background_tasks = set()

class A:
	async def f(self):
		task = asyncio.create_task(g())
		_background_tasks.add(task)
		task.add_done_callback(_background_tasks.discard)