"""Tasks that wait, each in its own way."""

LIBRARY = """
class Limiter:
    def __init__(self, event): self.event = event
    async def __aenter__(self): await self.acquire()
    async def __aexit__(self, *details): pass
    async def acquire(self): await self.event.wait()
"""
AWAITS = """
import asyncio, socket, sys, time

Limiter = None  # of a library

class OwnAwaitable:
    def __init__(self, future): self.steps = future.__await__()
    def __await__(self): return self
    def __iter__(self): return self
    def __next__(self): return next(self.steps)

class Wrapped:
    def __init__(self, coroutine): self.coroutine = coroutine
    def __await__(self): return self.coroutine.__await__()

async def numbers(event):
    await event.wait()
    yield 1

class Ways:
    is_ready = True
    async def prepare(self):
        self.loop = asyncio.get_running_loop()
        self.unfinished, self.empty = asyncio.Queue(), asyncio.Queue()
        self.unfinished.put_nowait(1)
        self.event, self.lock, self.semaphore = asyncio.Event(), asyncio.Lock(), asyncio.Semaphore(1)
        self.condition, self.barrier, self.future = asyncio.Condition(), asyncio.Barrier(2), self.loop.create_future()
        await self.lock.acquire()
        await self.semaphore.acquire()
        left, self.right = socket.socketpair()
        left.setblocking(False), self.right.setblocking(False)
        self.reader, self.writer = await asyncio.open_connection(sock=left)
        self.other = asyncio.create_task(asyncio.sleep(60), name="the-other")

    async def queue_join(self): await self.unfinished.join()
    async def queue_get(self): return await self.empty.get()
    async def event_wait(self): await self.event.wait()
    async def lock_acquire(self): await self.lock.acquire()
    async def lock_statement(self):
        async with self.lock: pass
    async def semaphore_statement(self):
        async with self.semaphore: pass
    async def plain_future(self): await self.future
    async def sleep(self): await asyncio.sleep(3)
    async def short_sleep(self): await asyncio.sleep(delay=30.25)
    async def gather(self): await asyncio.gather(self.other, self.future)
    async def wait(self): await asyncio.wait([self.other])
    async def another_task(self): await self.other
    async def condition_wait(self):
        async with self.condition: await self.condition.wait()
    async def barrier_wait(self): await self.barrier.wait()
    async def stream(self): await self.reader.read(10)
    async def raw_socket(self): await self.loop.sock_recv(self.right, 10)
    async def thread(self): await asyncio.to_thread(time.sleep, 0.3)
    async def executor(self): await self.loop.run_in_executor(None, time.sleep, 0.3)
    async def shielded(self): await asyncio.shield(self.sleep())
    async def shielded_task(self): await asyncio.wait_for(asyncio.shield(self.other), 60)
    async def of_another_thread(self):
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self.sleep(), self.loop))
    async def async_for(self):
        async for _ in numbers(self.event): pass
    async def anext_default(self): await anext(numbers(self.event), None)
    async def timeout(self):
        async with asyncio.timeout(60): await self.event.wait()
    async def group(self):
        async with asyncio.TaskGroup() as group: group.create_task(self.sleep())
    async def own_awaitable(self): await OwnAwaitable(self.future)
    async def entered(self):
        async with Limiter(self.event): pass
    async def subprocess(self):
        self.is_ready = False
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(60)")
        self.is_ready = True
        try: await process.wait()
        finally:
            process.kill()
            await process.wait()
    async def timed(self): await asyncio.wait_for(self.empty.get(), 60)
    async def timed_future(self): await asyncio.wait_for(self.future, 60)
    async def wrapped(self): await Wrapped(self.event.wait())
    async def within(self): await self.queue_get()
    async def completed(self):
        for done in asyncio.as_completed([self.other]): await done
"""
# By the method above: what it awaits, and the function of the innermost line of the program's own.
EXPECTED = {
    "queue_join": ("Queue.join", "Ways.queue_join"),
    "queue_get": ("Queue.get", "Ways.queue_get"),
    "event_wait": ("Event.wait", "Ways.event_wait"),
    "lock_acquire": ("Lock.acquire", "Ways.lock_acquire"),
    "lock_statement": ("Lock.acquire", "Ways.lock_statement"),
    "semaphore_statement": ("Semaphore.acquire", "Ways.semaphore_statement"),
    "plain_future": ("Future", "Ways.plain_future"),
    "sleep": ("sleep 3 s", "Ways.sleep"),
    "short_sleep": ("sleep 30.25 s", "Ways.short_sleep"),
    "gather": ("gather", "Ways.gather"),
    "wait": ("wait", "Ways.wait"),
    "another_task": ("task the-other", "Ways.another_task"),
    "condition_wait": ("Condition.wait", "Ways.condition_wait"),
    "barrier_wait": ("Barrier.wait", "Ways.barrier_wait"),
    "stream": ("StreamReader.read", "Ways.stream"),
    "raw_socket": ("sock_recv", "Ways.raw_socket"),
    "thread": ("to_thread sleep", "Ways.thread"),
    "executor": ("run_in_executor", "Ways.executor"),
    "shielded": ("shield of Ways.sleep", "Ways.shielded"),
    "shielded_task": ("shield of task the-other", "Ways.shielded_task"),
    "of_another_thread": ("run_coroutine_threadsafe", "Ways.of_another_thread"),
    "async_for": ("Event.wait", "numbers"),
    "anext_default": ("Event.wait", "numbers"),
    "timeout": ("Event.wait", "Ways.timeout"),
    "group": ("TaskGroup.__aexit__", "Ways.group"),
    "own_awaitable": ("OwnAwaitable", "Ways.own_awaitable"),
    "entered": ("Limiter.acquire", "Ways.entered"),
    "subprocess": ("Process.wait", "Ways.subprocess"),
    "timed": ("Queue.get", "Ways.timed"),
    "timed_future": ("Future", "Ways.timed_future"),
    "wrapped": ("Event.wait", "Ways.wrapped"),
    "within": ("Queue.get", "Ways.queue_get"),
    "completed": ("as_completed", "Ways.completed"),
}
