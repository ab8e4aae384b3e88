"""What a program sees of its functions: positions, attributes, locals, origins."""

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
