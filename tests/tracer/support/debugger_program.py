"""A program for tools that look at each line: steps, branches, failures, and every way to leave a block."""

WORK = """\
import asyncio
class Manager:
    def __init__(self, suppress=False): self.suppress = suppress
    async def __aenter__(self): return self
    async def __aexit__(self, *details): return self.suppress

async def steps(number):
    async with Manager() as manager:
        kept = number
        kept += 1
        manager.kept = kept
    return kept

class Fails(Manager):
    async def __aenter__(self): raise OSError

async def branches(n):
    for i in range(n):
        async with Manager() as a, Manager() as b:
            if i == 1:
                continue
            if i == 3:
                break
            a.x = b
    else:
        return "else"
    async with Manager(): pass
    return "break"

async def fails():
    async with Manager() as (a,
                             b):  # item
        never = 1
    return never

async def returns(x):
    async with Manager(True):
        raise KeyError("x")
    while x:
        async with Manager():
            x -= 1
            try:
                async with Fails():
                    pass
            except OSError:
                return x
            finally:
                x = 0

async def unreached():
    async with Manager():
        pass

async def generator():
    async with Manager():
        yield 1
        yield 2

async def matches(value):
    match value:
        case 1:
            async with Manager():
                return 1
        case _:
            async with \\
                Manager(), \\
                Manager():  # item
                return value

async def loops():
    while True:
        async with Manager():
            break

async def main():
    results = [await steps(1), await branches(3), await branches(5), await returns(2)]
    try:
        await fails()
    except TypeError as error:
        results.append(str(error))
    numbers = generator()
    results.append(await anext(numbers))
    await numbers.aclose()
    await loops()
    return [*results, await matches(2)]

def run():
    return asyncio.run(main())
"""
