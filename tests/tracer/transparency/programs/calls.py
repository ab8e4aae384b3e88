"""What a program sees of locks that it acquires and releases by calls."""

PROGRAMS = {
    "what acquire and release say of themselves": """
async def main():
    found = []
    for lock in (asyncio.Lock(), asyncio.Semaphore(2), asyncio.BoundedSemaphore(2), asyncio.Condition()):
        acquire, release = lock.acquire, lock.release
        entering = acquire()
        found += [(inspect.iscoroutinefunction(acquire), inspect.iscoroutinefunction(release),
            str(inspect.signature(acquire)), acquire.__name__,
            acquire.__qualname__, acquire.__doc__, acquire.__module__, inspect.ismethod(acquire),
            release.__qualname__, isinstance(entering, types.CoroutineType), inspect.iscoroutine(entering),
            asyncio.iscoroutine(entering), entering.__qualname__, inspect.getcoroutinestate(entering),
            await entering, release(), lock.locked())]
    return found
""",
    "acquired in every way that waits": """
async def taken(lock, log):
    log.append(await lock.acquire())
    try:
        await asyncio.sleep(0)
        log.append(lock.locked())
    finally:
        lock.release()

async def ways(lock, log):
    await taken(lock, log)
    await asyncio.create_task(lock.acquire())
    lock.release()
    await asyncio.wait_for(lock.acquire(), 1)
    lock.release()
    await asyncio.shield(lock.acquire())
    lock.release()
    await asyncio.gather(taken(lock, log), taken(lock, log))
    async with lock:
        lock.release()
        await lock.acquire()
    async with contextlib.AsyncExitStack() as stack:
        log.append(await stack.enter_async_context(lock))

async def main():
    log = []
    for lock in (asyncio.Lock(), asyncio.Semaphore(1), asyncio.BoundedSemaphore(1), asyncio.Condition()):
        await ways(lock, log)
        log.append(repr(lock).partition(" at ")[0])
    return log
""",
    "an acquire cancelled, thrown at and closed while it waits": """
async def waits(lock, log):
    try:
        await lock.acquire()
    except BaseException as error:
        log.append((frames_of(error), repr(error.__context__), lock.locked()))
        raise

async def ends(lock, act):
    log = []
    await lock.acquire()
    coroutine = waits(lock, log)
    coroutine.send(None)
    try:
        act(coroutine)
    except BaseException as error:
        log.append((type(error).__name__, str(error), inspect.getcoroutinestate(coroutine)))
    lock.release()
    log += [lock.locked(), getattr(lock, "_waiters", None)]
    return log

async def main():
    seen = []
    for make in (asyncio.Lock, lambda: asyncio.Semaphore(1)):
        for act in (lambda c: c.throw(asyncio.CancelledError("enough")), lambda c: c.throw(KeyError("thrown")),
                    lambda c: c.close()):
            seen.append(await ends(make(), act))
        task = asyncio.create_task(ends(make(), lambda c: c.send(None)))
        seen.append(await task)
    return repr(seen)
""",
    "released too often and in the wrong place": """
async def main():
    found = []
    for lock in (asyncio.Lock(), asyncio.BoundedSemaphore(1), asyncio.Condition()):
        await lock.acquire()
        lock.release()
        try:
            lock.release()
        except Exception as error:
            found.append(frames_of(error))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            lock.acquire()
            gc.collect()
        found.append([str(warning.message) for warning in caught])
    return found
""",
}
