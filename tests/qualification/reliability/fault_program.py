"""The program that `injected_faults` runs: small uses of everything that is recorded, each printing what came of it."""

NAME = "victim.py"
SOURCES = {
    "lazily.py": "async def within(manager):\n    async with manager:\n        return 'lazily'\n",
    NAME: """
import asyncio, contextlib, os, sys, threading
import tenure

class Manager:
    def __init__(self, fails="", suppress=False): self.fails, self.suppress = fails, suppress
    async def __aenter__(self):
        await asyncio.sleep(0)
        if self.fails == "enter": raise OSError(2, "no entry")
        return self
    async def __aexit__(self, *details):
        await asyncio.sleep(0)
        if self.fails == "exit": raise ValueError("no exit")
        return self.suppress
    def __enter__(self): return self
    def __exit__(self, *details): return self.suppress

class Inner(asyncio.Lock):
    async def __aenter__(self): return await super().__aenter__()
    async def acquire(self): return await super().acquire()

@tenure.tracked
class Tracked(Manager): pass

@contextlib.asynccontextmanager
async def borrowed(what):
    async with what: yield what

@contextlib.contextmanager
def lent(what): yield what

class Pool:
    maxsize = 2
    @contextlib.asynccontextmanager
    async def acquire(self): yield 1

async def outcome(name, coroutine):
    try: print(name, await coroutine)
    except BaseException as error: print(name, type(error).__name__, error, error.__context__)

async def statements():
    for manager in Manager(), Manager(suppress=True), Manager("enter"), Manager("exit"), Tracked(), Inner():
        for error in None, KeyError("body"):
            try:
                async with manager as value, asyncio.timeout(9):
                    with Manager(suppress=True):
                        if error: raise error
                print("went on", type(value).__name__)
            except Exception as raised: print(type(raised).__name__, raised, raised.__context__)
    for _ in range(10):
        async with Manager(): pass

async def locks():
    lock, semaphore, condition, barrier = asyncio.Lock(), asyncio.Semaphore(2), asyncio.Condition(), asyncio.Barrier(1)
    async with lock, semaphore, condition, barrier: print(lock.locked())
    await lock.acquire(); print(lock.locked()); lock.release()
    await asyncio.wait_for(lock.acquire(), 5); lock.release()
    await asyncio.gather(semaphore.acquire(), semaphore.acquire()); semaphore.release(); semaphore.release()
    inner = Inner()
    await inner.acquire(); inner.release()
    try: lock.release()
    except RuntimeError as error: print(error)
    async def waits():
        async with condition: await condition.wait(); return "notified"
    waiter = asyncio.create_task(waits()); await asyncio.sleep(0)
    async with condition: condition.notify()
    print(await waiter)

async def cancellation():
    async def holds():
        async with Manager(), asyncio.Lock(): await asyncio.sleep(60)
    task = asyncio.create_task(holds(), name="holder"); await asyncio.sleep(0.001); task.cancel("why")
    await outcome("cancelled", task); print(task.cancelled(), task.get_name())
    async def late():
        async with asyncio.timeout(0.001): await holds()
    await outcome("late", late())
    await outcome("waited", asyncio.wait_for(holds(), 0.001))
    async def group():
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(holds())
            tasks.create_task(asyncio.wait_for(fails(), 5))
    async def fails():
        async with Manager(): raise LookupError("child")
    await outcome("group", group())

async def stacks():
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(borrowed(Manager()))
        await stack.enter_async_context(Manager(suppress=True))
        stack.enter_context(lent(1))
        raise EOFError("suppressed")
    async def bare():
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(Manager("exit"))
            raise EOFError("replaced")
    await outcome("stack", bare())
    async with borrowed(asyncio.Lock()) as lock: print(lock.locked())
    async with Pool().acquire() as one: print(one)

async def generators():
    async def numbers():
        async with Manager():
            for number in range(3): yield number
    async with contextlib.aclosing(numbers()) as some:
        async for number in some: print(number); break
    print([number async for number in numbers()])

async def imports():
    import lazily
    print(await lazily.within(Manager()))
    try: import missing_module
    except ImportError as error: print(error)

def threads():
    def run(number):
        asyncio.run(one()); results.append(number)
    async def one():
        async with Manager(), asyncio.Lock(): await asyncio.sleep(0)
    results = []
    for number in range(2):
        thread = threading.Thread(target=run, args=(number,)); thread.start(); thread.join()
    print(results)

def forks():
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        async def child():
            async with Manager(): print("child")
        asyncio.run(child()); sys.exit(5)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

async def main():
    tenure.track(Manager(), "named")
    for part in statements, locks, cancellation, stacks, generators, imports:
        await outcome(part.__name__, part())
    print([type(task).__name__ for task in asyncio.all_tasks()], repr(asyncio.current_task()).partition(" coro=")[0])

asyncio.run(main())
threads()
forks()
with asyncio.Runner() as runner: print(runner.run(asyncio.sleep(0, "runner")))
async def fails():
    async with Manager(): raise ValueError("the end")
asyncio.run(fails())
""",
}
