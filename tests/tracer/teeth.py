"""Programs that look closely: ``main()`` gives all that is to be the same when they are recorded.

Existing suites hardly look there, so these do: positions, what functions say of themselves, suspended stacks,
cancellation at every await, garbage, locals, unusual managers.
"""

import sys

LOOKING = """
import asyncio, contextlib, gc, inspect, sys, types, warnings, weakref

class Manager:
    def __init__(self, name="m", log=None): self.name, self.log = name, log if log is not None else []
    async def __aenter__(self):
        self.log.append(("entering", self.name))
        await asyncio.sleep(0)
        self.log.append(("entered", self.name))
        return self
    async def __aexit__(self, kind, error, tb):
        self.log.append(("leaving", self.name, repr(error)))
        if kind is not GeneratorExit: await asyncio.sleep(0)  # a coroutine that is closed may not wait
        self.log.append(("left", self.name))

def patch(kind): pass  # a test puts in a class patch

def frames_of(error):
    while error.__traceback__ is not None and error.__traceback__.tb_frame.f_code.co_filename != "program.py":
        error.__traceback__ = error.__traceback__.tb_next
    found, tb = [], error.__traceback__
    while tb is not None:
        code = tb.tb_frame.f_code
        found.append((code.co_name, tb.tb_lineno, list(code.co_positions())[tb.tb_lasti // 2]))
        tb = tb.tb_next
    return repr(error), found

def chain_of(coroutine):
    found = []
    while inspect.iscoroutine(coroutine):
        frame = coroutine.cr_frame
        found.append((coroutine.__name__, coroutine.__qualname__, frame and frame.f_lineno,
                      inspect.getcoroutinestate(coroutine)))
        coroutine = coroutine.cr_await
    return found
"""

PROGRAMS = {
    "positions in tracebacks": """
class Fails(Manager):
    async def __aenter__(self): raise KeyError("enter")

class FailsLater(Manager):
    async def __aexit__(self, *details): raise KeyError("exit")

async def enters():
    async with Manager(), Fails() as a, \\
            Manager():
        pass

async def leaves():
    for _ in range(2):
        async with FailsLater() as a: a.name = (
            "two lines"
        )

async def fails():
    async with Manager("a") as a, Manager("b"):
        async with Manager("c"):
            a.name + (1 /
                      0)

async def has_no_manager():
    async with Manager(), Manager(undefined
            ) as a:
        pass

async def has_no_place():
    async with Manager() as (a,
                             b):
        pass

async def main():
    found = []
    for function in (enters, leaves, fails, has_no_manager, has_no_place):
        try:
            await function()
        except Exception as error:
            found.append(frames_of(error))
    return found
""",
    "what functions say of themselves": """
async def coroutine(a, /, b: int = 1, *c, d=2, **e) -> "text":
    "Documented."
    async with Manager() as f: return [a for a in c if f and d]

async def generator(a):
    async with Manager():
        yield a

class Class:
    async def method(self):
        async with Manager(): return __class__

    @staticmethod
    async def static():
        async with Manager(): pass

def looks(function):
    code = function.__code__
    return (function.__name__, function.__qualname__, function.__module__, function.__doc__, function.__defaults__,
        function.__kwdefaults__, function.__annotations__, str(inspect.signature(function)), code.co_flags,
        code.co_argcount, code.co_freevars, code.co_cellvars, code.co_firstlineno, code.co_filename,
        inspect.iscoroutinefunction(function), inspect.isasyncgenfunction(function),
        [name for name in code.co_varnames if not name.startswith("@tenure")])

async def main():
    await coroutine(1)
    methods = [Class.method, Class.static, coroutine, generator]
    for kind in (asyncio.Lock, asyncio.Semaphore, asyncio.Condition, asyncio.TaskGroup, asyncio.Timeout):
        methods += [kind.__aenter__, kind.__aexit__]
    return [looks(method) for method in methods[:4]], [
        (method.__name__, method.__qualname__, inspect.iscoroutinefunction(method), str(inspect.signature(method)))
        for method in methods[4:]]
""",
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
    "locals": """
def takes(**names): return sorted(names)

async def main():
    x = 1
    async with Manager() as a, asyncio.Lock():
        given = takes(**locals()), sorted(vars()), dir()
        exec("y = x + 1")
        copied = dict(locals())
        inner = [sorted(locals()) for _ in range(1)] if sys.version_info < (3, 12) else None
        class Body:
            z = sorted(locals())
        def nested(): return x, sorted(locals())
        text = "{x} {given}".format_map(locals())
        return given, sorted(copied), inner, Body.z, nested(), text, [sorted(locals()) for _ in "a"][0] != None
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
    "where coroutines come from": """
async def body():
    async with Manager(), asyncio.Lock():
        await asyncio.sleep(0)

async def main():
    sys.set_coroutine_origin_tracking_depth(3)
    try:
        coroutine, entering = body(), Manager().__aenter__()
        origins = [[(line, name) for file, line, name in c.cr_origin if file == "program.py"]
                   for c in (coroutine, entering)]
        await coroutine, await entering
        return origins
    finally:
        sys.set_coroutine_origin_tracking_depth(0)
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
