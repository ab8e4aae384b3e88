"""Rewritten code behaves as the code as it is. Each program runs in both forms, and what it says must be the same."""

import asyncio
import sys
import textwrap
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from tenure import rewriting, testing

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
    "locals": """
async def main(argument=1):
    async with Manager((1, 2)) as (a, b), Manager(3) as c:
        inside = 1
        say(sorted(locals()), sorted(vars()), dir())
        return sorted(locals().items(), key=str)
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


def run(program: str, compiled: Callable[[str], Any]) -> dict[str, Any]:
    """Everything that can be seen of a program's run."""
    names: dict[str, Any] = {"__name__": "app"}
    exec(compile(MANAGERS, "managers.py", "exec"), names)
    exec(compiled(program), names)
    outcome: dict[str, Any] = {"value": None, "error": None}
    try:
        outcome["value"] = asyncio.run(names["main"]())
    except BaseException as error:  # noqa: BLE001  # whatever it is, it is compared
        outcome["error"] = "".join(_without_this_file(error).format())
    return {**outcome, "said": names["said"]}


def _without_this_file(error: BaseException) -> traceback.TracebackException:
    """The traceback as text, from the program's own frames on."""
    told = traceback.TracebackException.from_exception(error)
    told.stack = traceback.StackSummary.from_list(
        [frame for frame in told.stack if frame.filename in {"program.py", "managers.py"}]
    )
    return told


def as_it_is(program: str) -> Any:
    return compile(program, "program.py", "exec")


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_rewritten_program_does_what_the_program_does(name: str) -> None:
    """Results, suppressed and escaping exceptions with their tracebacks, lines, causes and contexts are the same."""
    program = PROGRAMS[name]
    with testing.recorder():
        rewritten = run(program, lambda source: rewriting.rewrite(source.encode(), "program.py"))
    assert rewritten == run(program, as_it_is)


@pytest.mark.parametrize("name", [*PROGRAMS, *SYNC_PROGRAMS])
def test_with_is_rewritten_as_faithfully(name: str) -> None:
    """The same holds with `with` rewritten too, at the top of modules and classes as in functions."""
    program = {**PROGRAMS, **SYNC_PROGRAMS}[name]
    with testing.recorder(sync=True):
        rewritten = run(program, lambda source: rewriting.rewrite(source.encode(), "program.py", sync=True))
    assert rewritten == run(program, as_it_is)


@pytest.mark.parametrize("name", PROGRAMS)
def test_rewritten_code_runs_on_when_nothing_is_recorded(name: str) -> None:
    """After uninstall the rewritten modules stay; they behave as before and leave no record."""
    program = PROGRAMS[name]
    with testing.recorder() as recorder:
        pass
    rewritten = run(program, lambda source: rewriting.rewrite(source.encode(), "program.py"))
    assert rewritten == run(program, as_it_is)
    assert recorder.lifecycles() == []


def test_future_statements_and_docstrings_stay_first() -> None:
    """A module's docstring and its `from __future__` keep their meaning."""
    source = '''
"""The docstring."""
from __future__ import annotations
async def main(value: not_defined):
    async with value:
        pass
'''
    with testing.recorder() as recorder:
        module = recorder.load(source)
    assert (module.__doc__, module.main.__annotations__) == ("The docstring.", {"value": "not_defined"})


def test_a_syntax_error_is_the_sources_own() -> None:
    """What cannot be compiled fails with the same error as without rewriting."""
    source = "async def main():\n    async with a:\n        return 1 +\n"
    with pytest.raises(SyntaxError) as rewritten:
        rewriting.rewrite(source.encode(), "program.py")
    with pytest.raises(SyntaxError) as plain:
        compile(source, "program.py", "exec")
    assert (rewritten.value.args, str(rewritten.value)) == (plain.value.args, str(plain.value))


def test_source_in_another_encoding_keeps_its_texts() -> None:
    """The encoding that a file declares is honoured, in its strings as in the expressions of its sites."""
    source = '# coding: latin-1\nasync def main(m):\n    async with m["é"] as value:\n        return "é"\n'
    code = rewriting.rewrite(source.encode("latin-1"), "program.py")
    names: dict[str, Any] = {}
    exec(code, names)
    constants = [constant for constant in names["main"].__code__.co_consts if isinstance(constant, str)]
    assert "é" in constants
    assert any('m["é"]' in constant for constant in constants)


def test_every_line_of_rewritten_code_is_a_line_of_the_source() -> None:
    """Tracing by line, as coverage does, visits exactly the lines that it visits in the code as it is."""
    program = textwrap.dedent("""
        async def main():
            for i in range(2):
                async with Manager(i) as value:
                    if i:
                        say(value)
                        continue
                say("after")
            async with Manager(1), \\
                    Manager(2):
                return 1
    """)

    def lines(compiled: Callable[[str], Any]) -> list[int]:
        visited: list[int] = []

        def trace(frame: Any, event: str, _: object) -> Any:
            if frame.f_code.co_filename == "program.py" and event == "line":
                visited.append(frame.f_lineno)
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            run(program, compiled)
        finally:
            sys.settrace(before)
        return sorted(set(visited))

    with testing.recorder():
        rewritten = lines(lambda source: rewriting.rewrite(source.encode(), "program.py"))
    assert rewritten == lines(as_it_is)


def test_no_name_of_ours_is_left_in_a_module() -> None:
    """The namespace of a rewritten module holds what the program put there and nothing else."""
    with testing.recorder(sync=True) as recorder:
        module = recorder.load(MANAGERS + "\nwith Manager(1) as value: pass\n")
    assert [name for name in vars(module) if "tenure" in name] == []
