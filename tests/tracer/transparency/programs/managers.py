"""What a program sees of its managers: when they are freed, unusual classes, subclasses, objects with two roles."""

PROGRAMS = {
    "garbage": """
def watch(name, thing, log):
    weakref.finalize(thing, log.append, ("gone", name))
    return thing

class Value: pass
class Error(Exception): pass

class Gives(Manager):
    async def __aenter__(self):
        return watch("value", Value(), self.log)
    async def __aexit__(self, kind, error, tb):
        self.log.append("exit")

async def main():
    log = []
    gc.disable()
    try:
        async with watch("unnamed", Gives("a", log), log):
            log.append("body")
        log.append("after unnamed")
        async with watch("named", Gives("b", log), log) as value:
            del value
            log.append("body")
        log.append("after named")
        box = types.SimpleNamespace()
        async with watch("in a box", Gives("c", log), log) as box.value:
            del box.value
            log.append("body")
        log.append("after the box")
        try:
            async with watch("failing", Gives("d", log), log):
                raise watch("error", Error("k"), log)
        except Error:
            log.append("caught")
        log.append("after failing")
        manager, lock = Gives("e", log), watch("lock", asyncio.Lock(), log)
        counts = [sys.getrefcount(manager), sys.getrefcount(lock)]
        async with manager as value, lock as nothing:
            counts += [sys.getrefcount(manager), sys.getrefcount(value), sys.getrefcount(lock)]
        counts += [sys.getrefcount(manager), sys.getrefcount(value), sys.getrefcount(lock)]
        del manager, value, lock
        log.append(counts)
        return log
    finally:
        gc.enable()
""",
    "awaited or entered": """
class Both(Manager):
    def __await__(self):
        yield from asyncio.sleep(0).__await__()
        return "awaited"

class Request(contextlib.AbstractAsyncContextManager):
    def __init__(self, coroutine): self._coroutine = coroutine
    def __await__(self): return self._coroutine.__await__()
    async def __aenter__(self): return await self._coroutine
    async def __aexit__(self, *details): return None

async def get(): return "got"

async def main():
    log = []
    both = Both("both", log)
    async with both as entered:
        pass
    async with Request(get()) as response:
        pass
    return (await both, entered is both, type(entered).__mro__[0].__name__, response, await Request(get()),
        isinstance(both, Manager), isinstance(both, contextlib.AbstractAsyncContextManager), log, sorted(vars(both)))
""",
    "subclasses": """
class Named(asyncio.Lock):
    async def __aenter__(self):
        await super().__aenter__()
        return self
    async def __aexit__(self, *details):
        return await super().__aexit__(*details)

class Twice(Manager):
    async def __aenter__(self):
        async with asyncio.Lock():
            return await super().__aenter__()
    async def __aexit__(self, kind, error, tb):
        await super().__aexit__(kind, error, tb)
        return kind is KeyError

class Group(asyncio.TaskGroup):
    pass

async def main():
    log, lock = [], Named()
    async with lock as held, Twice("twice", log) as twice:
        locked = lock.locked()
        raise KeyError("suppressed")
    async with Group() as group:
        task = group.create_task(asyncio.sleep(0, "slept"))
    return held is lock, twice.name, locked, lock.locked(), log, type(group).__name__, task.result()
""",
    "managers of odd shapes": """
class NoEnter:
    async def __aexit__(self, *details): pass
class NoExit:
    async def __aenter__(self): pass
class NothingToAwait:
    def __aenter__(self): return 5
    async def __aexit__(self, *details): pass
class NothingToAwaitAtTheEnd(Manager):
    def __aexit__(self, *details): return None
class FailsAtOnce(Manager):
    def __aenter__(self): raise KeyError("at once")
class FailsAtOnceAtTheEnd(Manager):
    def __aexit__(self, *details): raise KeyError("at once")
class NoCoroutine(Manager):
    @types.coroutine
    def __aenter__(self): yield from asyncio.sleep(0).__await__(); return "value"
class NoBool(Manager):
    async def __aexit__(self, *details): return self
    def __bool__(self): raise KeyError("bool")
class Property(Manager):
    @property
    def __aenter__(self): raise KeyError("property")
class OnTheInstance(Manager):
    def __init__(self):
        super().__init__()
        self.__aenter__ = None
class Forbids(Manager):
    def _no(self, *arguments): raise RuntimeError("asked")
    __repr__ = __str__ = __hash__ = __eq__ = __bool__ = __len__ = __getattr__ = __setattr__ = __iter__ = _no
    __class__ = property(_no)
    def __init__(self): pass
    async def __aenter__(self): return "entered"
    async def __aexit__(self, *details): pass
class Static:
    @staticmethod
    async def __aenter__(): return "static"
    @classmethod
    async def __aexit__(cls, *details): pass
class TakesAnything:
    async def __aenter__(self, *arguments, **named): return arguments, named
    async def __aexit__(self, *arguments, **named): self.given = arguments, named

for kind in (NothingToAwait, NothingToAwaitAtTheEnd, FailsAtOnce, FailsAtOnceAtTheEnd, NoCoroutine,
             NoBool, Forbids, TakesAnything):
    patch(kind)

async def main():
    seen = []
    for made in (NoEnter, NoExit, NothingToAwait, NothingToAwaitAtTheEnd, FailsAtOnce, FailsAtOnceAtTheEnd,
                 NoCoroutine, NoBool, Property, OnTheInstance, Forbids, Static, TakesAnything, object,
                 lambda: None, lambda: Manager):
        for fails in (False, True):
            try:
                async with made() as value:
                    seen.append(value if isinstance(value, (str, tuple)) else type(value).__name__)
                    if fails: raise ValueError("body")
            except Exception as error:
                seen.append((frames_of(error), repr(error.__context__)))
    return seen
""",
}
