"""What a program sees of suspended code: stacks, chains of awaits, cancellation, coroutines that never end."""

import sys

PROGRAMS = {
    "stacks of suspended tasks": """
async def inner(log):
    async with Manager("inner", log):
        await asyncio.sleep(0)

async def outer(log):
    async with Manager("outer", log):
        await inner(log)
        return "done"

async def main():
    log, seen = [], []
    task = asyncio.create_task(outer(log), name="t")
    while not task.done():
        stack = [(frame.f_code.co_name, frame.f_lineno) for frame in task.get_stack()]
        seen.append((stack, chain_of(task.get_coro())))
        await asyncio.sleep(0)
    return seen, log, task.result()
""",
    "cancelled, thrown at and closed at every await": """
async def body(log):
    async with Manager("a", log) as a, asyncio.Lock(), Manager("b", log):
        try:
            await asyncio.sleep(0)
        finally:
            log.append("finally")
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(Manager("c", log))
            log.append("held")
    return "done"

async def catches(log):
    try:
        return await body(log)
    except (asyncio.CancelledError, KeyError) as error:
        log.append(("caught", frames_of(error), repr(error.__context__)))
        async with Manager("d", log):
            raise

def advance(coroutine, log, awaits, act):
    # act after so many awaits, and go on until it is over
    go_on = lambda coroutine: coroutine.send(None)
    for step in [*[go_on] * awaits, act, *[go_on] * 30]:
        try:
            step(coroutine)
        except BaseException as error:
            log.append((type(error).__name__, str(error)))
            if inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED:
                return

ACTS = [lambda c: c.throw(asyncio.CancelledError("enough")), lambda c: c.throw(KeyError("thrown")), lambda c: c.close()]

async def main():
    ends = []
    for act in ACTS:
        for awaits in range(12):
            log = []
            advance(catches(log), log, awaits, act)
            ends.append(log)
    for awaits in range(12):
        log = []
        task = asyncio.create_task(catches(log))
        for _ in range(awaits):
            await asyncio.sleep(0)
        task.cancel("enough")
        await asyncio.wait([task])
        ends.append((log, task.cancelled(), task.cancelling()))
    return ends
""",
    "a generator that nobody closes": """
async def numbers(log):
    async with Manager("held", log):
        yield 1
        yield 2

async def main():
    log = []
    async for number in numbers(log):
        break
    for _ in range(4): await asyncio.sleep(0)
    generator = numbers(log)
    log.append(await anext(generator))
    log.append((generator.ag_running, generator.ag_frame.f_lineno, generator.ag_await))
    del generator
    for _ in range(4): await asyncio.sleep(0)
    return log
""",
    "context and task": """
import contextvars
var = contextvars.ContextVar("var", default=0)

class Sets(Manager):
    async def __aenter__(self):
        self.token = var.set(var.get() + 1)
        return asyncio.current_task()
    async def __aexit__(self, *details): var.reset(self.token)

async def main():
    seen = []
    async with Sets() as task, Sets():
        seen += [var.get(), task is asyncio.current_task(), await asyncio.create_task(asyncio.sleep(0, var.get()))]
    return seen, var.get(), len(contextvars.copy_context()) , len(asyncio.all_tasks())
""",
    "never awaited": """
async def main():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for manager in (asyncio.Lock(), asyncio.Semaphore(), asyncio.TaskGroup(), asyncio.timeout(1), Manager()):
            manager.__aenter__()
            manager.__aexit__(None, None, None)
        main_again()
    return [str(warning.message) for warning in caught]

async def main_again():
    async with Manager(): pass
""",
}

if sys.version_info >= (3, 12):
    PROGRAMS["eager tasks"] = """
async def work(log, number):
    async with Manager(number, log), asyncio.Lock():
        log.append(("in", number, asyncio.current_task().get_name()))
        if number % 2:
            await asyncio.sleep(0)
        return number

async def ready():
    async with asyncio.Lock(), asyncio.timeout(None):
        return "ready"

async def main():
    log, loop = [], asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work(log, number), name=f"n{number}") for number in range(4)]
        at_once = group.create_task(ready(), name="at once")
        log.append(("done at once", at_once.done()))
    return log, [task.result() for task in tasks], at_once.result()
"""
