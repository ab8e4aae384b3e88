"""Programs in every form that an `async with` and a `with` can take."""

from tests.tracer.support.nested_statement_forms import WITHIN

MANAGERS = """
import asyncio
said = []
def say(*words): said.append(words)

class Manager:
    def __init__(self, value=None, suppress=False): self.value, self.suppress = value, suppress
    async def __aenter__(self):
        say("enter", self.value)
        await asyncio.sleep(0)
        return self.value
    async def __aexit__(self, kind, error, tb):
        say("exit", self.value, kind, str(error), tb and tb.tb_lineno)
        await asyncio.sleep(0)
        return self.suppress
    def __enter__(self): say("enter", self.value); return self.value
    def __exit__(self, kind, error, tb): say("exit", self.value, kind, str(error)); return self.suppress

class FailsToEnter(Manager):
    async def __aenter__(self): raise OSError("no entry")
    def __enter__(self): raise OSError("no entry")

class FailsToExit(Manager):
    async def __aexit__(self, *details): raise OSError("no exit")
    def __exit__(self, *details): raise OSError("no exit")
"""

PROGRAMS = {
    **WITHIN,
    "return": """
async def main():
    async with Manager(1) as value:
        return value
""",
    "return from a loop within two": """
async def main():
    for i in range(3):
        async with Manager(i), Manager("b") as b:
            if i == 1:
                return i, b
""",
    "break and continue": """
async def main():
    seen = []
    for i in range(5):
        async with Manager(i):
            if i == 1: continue
            if i == 3: break
            seen.append(i)
    else:
        seen.append("else")
    return seen
""",
    "suppression": """
async def main():
    async with Manager(suppress=True):
        raise KeyError("gone")
    async with Manager("outer", suppress=True), Manager("inner"):
        raise KeyError("gone again")
    return "after"
""",
    "exception goes on": """
async def main():
    async with Manager():
        raise KeyError("out")
""",
    "exception within an except block": """
async def main():
    try:
        raise ValueError("first")
    except ValueError:
        async with Manager():
            say(repr(__import__("sys").exc_info()[1]))
        async with Manager():
            raise KeyError("second")
""",
    "reraising the exception being handled": """
async def main():
    try:
        raise ValueError("first")
    except ValueError as error:
        async with Manager(suppress=True):
            raise
        async with Manager(suppress=True):
            raise error
        return repr(__import__("sys").exc_info()[1])
""",
    "acquire fails": """
async def main():
    async with Manager("outer"), FailsToEnter():
        say("never")
""",
    "release fails": """
async def main():
    async with FailsToExit():
        pass
""",
    "release fails after the body did": """
async def main():
    async with FailsToExit():
        raise KeyError("body")
""",
    "the manager's expression fails": """
async def main():
    async with Manager("outer"), undefined_name:
        pass
""",
    "no manager": """
async def main():
    async with 5:
        pass
""",
    "a synchronous manager": """
async def main():
    async with open:
        pass
""",
    "targets": """
class Box: pass
async def main():
    box, items = Box(), [0, 0]
    async with Manager((1, (2, 3))) as (a, (b, *c)), Manager(4) as box.value, Manager(5) as items[1]:
        return a, b, c, box.value, items
""",
    "a target that does not fit": """
async def main():
    async with Manager((1, 2), suppress=True) as (a, b, c):
        say("never")
    async with Manager((1, 2)) as (a, b, c):
        say("never")
""",
    "locals": """
async def main(argument=1):
    async with Manager((1, 2)) as (a, b), Manager(3) as c:
        inside = 1
        say(sorted(locals()), sorted(vars()), dir())
        return sorted(locals().items(), key=str)
""",
    "cancellation": """
async def wait():
    async with Manager("a"):
        await asyncio.sleep(60)

async def main():
    task = asyncio.create_task(wait())
    for _ in range(3): await asyncio.sleep(0)
    task.cancel("enough")
    try:
        await task
    except asyncio.CancelledError as error:
        return repr(error)
""",
    "a timeout": """
async def main():
    try:
        async with asyncio.timeout(0):
            await asyncio.sleep(60)
    except TimeoutError as error:
        return repr(error), repr(error.__cause__)
""",
    "an exception group": """
async def fail(): raise ValueError("one")
async def main():
    async with asyncio.TaskGroup() as group:
        group.create_task(fail())
""",
    "more nesting than Python has blocks for in place": """
async def main():
    async with Manager(1), Manager(2), Manager(3), Manager(4), Manager(5), Manager(6), Manager(7) as seven:
        async with Manager(8), FailsToExit(9) as nine:
            return seven, nine
""",
    "as much nesting as Python has blocks for": """
async def main():
    async with Manager(1), Manager(2), Manager(3), Manager(4), Manager(5), Manager(6), Manager(7), Manager(8):
        async with Manager(9), Manager(10), Manager(11), Manager(12), Manager(13), Manager(14), Manager(15):
            async with Manager(16), Manager(17), Manager(18) as last:
                return last
""",
    "a docstring and what follows it": '''
async def main():
    """The docstring."""
    for _ in range(2):
        async with Manager():
            pass
    return main.__doc__
''',
    "a function that is only a docstring and a statement": '''
async def main():
    """The docstring."""
    async with Manager(), Manager(): return main.__doc__
''',
}

SYNC_PROGRAMS = {
    "with": """
async def main():
    with Manager(1) as a, Manager(2) as b:
        say(a, b)
    with Manager(suppress=True):
        raise KeyError("gone")
    with FailsToExit():
        raise KeyError("body")
""",
    "with in a generator": """
def numbers():
    with Manager("generator"):
        yield 1
        yield 2

async def main():
    return list(numbers())
""",
    "with at the top of a module and of a class": """
with Manager("module") as top:
    say(sorted(name for name in globals() if "tenure" in name))

class Body:
    with Manager("class") as value:
        say(sorted(locals()))

async def main():
    return top, sorted(vars(Body)), Body.value
""",
    "an exception at the top of a module": """
try:
    with Manager("module"):
        raise KeyError("top")
except KeyError as error:
    say(str(error))

async def main(): pass
""",
}
