"""Programs with `async with` within every other statement, and around it."""

WITHIN = {
    "finally and else around": """
async def main():
    try:
        async with Manager():
            return "value"
    finally:
        say("finally")
""",
    "nested functions and classes": """
async def main():
    class Inner:
        async def method(self):
            async with Manager("method") as value:
                return lambda: value
    async with Manager():
        function = await Inner().method()
        return function(), [x for x in range(3)]
""",
    "an async generator": """
async def numbers():
    for i in range(3):
        async with Manager(i):
            got = yield i
            say("got", got)

async def main():
    generator = numbers()
    say(await generator.asend(None))
    say(await generator.asend("x"))
    try:
        await generator.athrow(KeyError("thrown"))
    except KeyError as error:
        say(repr(error))
    generator = numbers()
    await generator.asend(None)
    await generator.aclose()
    return [i async for i in numbers()]
""",
    "decorators, defaults and annotations": """
def decorate(*names):
    def decorator(function):
        say(function.__name__, names)
        return function
    return decorator

async def main(first=1):
    async with Manager():
        @decorate(*sorted(locals()))
        async def inner(x=[*locals()], *, y: sorted(locals()) = dir()) -> vars():
            async with Manager(), Manager():
                return x, y, sorted(locals())
        class Body(*[object], metaclass=type):
            names = sorted(locals())
            @decorate("method")
            async def method(self, f=lambda x=len(locals()): (x, locals())):
                async with Manager(): return f()
        return await inner(), Body.names, await Body().method()
""",
    "match in all ways": """
async def choose(value):
    match value:
        case [a, *rest] if a:
            async with Manager(a) as value:
                match rest:
                    case []: return value
                    case _:
                        async with Manager(rest): raise KeyError(a)
        case {"key": inner}:
            for number in inner:
                async with Manager(number):
                    if number: break
            else:
                return "else"
        case _:
            async with Manager("other"), Manager("two"): pass
    return "after"

async def main():
    seen = []
    for value in ([1], [1, 2], {"key": [0, 1]}, {"key": []}, 5):
        try:
            seen.append(await choose(value))
        except KeyError as error:
            seen.append(repr(error))
    return seen
""",
    "comprehensions and lambdas within": """
async def gives(n):
    async with Manager(n):
        yield n
        yield n + 1

async def main():
    x = 2
    async with Manager() as a, Manager():
        first = [n async for n in gives(x) if n]
        second = {n: [m for m in range(n)] for n in range(x)}
        third = list((lambda y: y + x)(n) for n in range(2))
        fourth = [[v async for v in gives(w)] for w in [await asyncio.sleep(0, n) for n in range(2)]]
        return first, second, third, fourth, [name for name in locals()]
""",
    "in try, except, except*, else and finally": """
async def tried(error, log):
    try:
        async with Manager("try"):
            if error: raise error
    except* KeyError as group:
        async with Manager("except*"): log.append(repr(group.exceptions))
    else:
        async with Manager("else"): log.append("else")
    finally:
        async with Manager("finally"): log.append("finally")

async def main():
    log = []
    for error in (None, KeyError("k"), ExceptionGroup("g", [KeyError("k"), ValueError("v")]), OSError("o")):
        try:
            await tried(error, log)
        except Exception as error:
            log.append(repr(error))
    while True:
        try:
            async with Manager("loop"): continue_ = len(log)
            if continue_ < 12:
                log.append("again")
                continue
            break
        finally:
            async with Manager("end"): pass
    return log
""",
    "a long if and elif": "async def main(n=250):\n    if n < 0: pass\n"
    + "".join(f"    elif n == {n}:\n        async with Manager({n}): return n\n" for n in range(251)),
}
