"""Random programs of nested statements do the same when they are rewritten."""

import asyncio
import textwrap
import traceback
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.fuzzing import IN_THE_GATE, examples
from tests.tracer.support.statement_forms import MANAGERS

from tenure import testing
from tenure._rewriting import rewriter

SIMPLE = st.sampled_from(
    [
        "say('a')",
        "x = 1",
        "say(sorted(locals()))",
        "raise KeyError('k')",
        "raise",
        "return x",
        "await asyncio.sleep(0)",
        "undefined",
        "del x",
        "(yield x)",
    ]
)
IN_LOOP = st.sampled_from(["break", "continue"])
MANAGER = st.sampled_from(
    ["Manager(1)", "Manager(2, suppress=True)", "Manager((3, 4))", "FailsToEnter()", "FailsToExit()", "None"]
)
TARGET = st.sampled_from(["", " as x", " as (x, y)", " as box.value", " as items[5]"])
KINDS = ["simple", "async with", "async with", "with", "for", "try", "if"]
ITEMS = st.lists(st.tuples(MANAGER, TARGET).map("".join), min_size=1, max_size=3).map(", ".join)


def block(statements: list[str]) -> str:
    return textwrap.indent("\n".join(statements or ["pass"]), "    ")


@st.composite
def statement(draw: Any, depth: int, loop: bool) -> str:
    """One statement; ``loop`` says that it stands in a loop of its function."""
    kind = (
        draw(st.sampled_from(["simple", "async with", "async with", "with", "for", "try", "if"])) if depth else "simple"
    )

    def body(within: bool = loop) -> str:
        return block(draw(st.lists(statement(depth - 1, within), min_size=1, max_size=3)))

    if kind == "simple":
        return draw(st.one_of(SIMPLE, IN_LOOP) if loop else SIMPLE)
    if kind in {"async with", "with"}:
        return f"{kind} {draw(ITEMS)}:\n{body()}"
    if kind == "for":
        return f"for i in range(2):\n{body(True)}\nelse:\n{body()}"
    if kind == "if":
        return f"if say('if') is None:\n{body()}\nelse:\n{body()}"
    return f"try:\n{body()}\nexcept KeyError as error:\n{body()}\nfinally:\n    say('finally')"


@st.composite
def program(draw: Any) -> str:
    """A coroutine function, or an async generator where a statement yields."""
    body = block(draw(st.lists(statement(3, False), min_size=1, max_size=4)))
    if "yield" in body:
        body = body.replace("return x", "return")
    return f"async def main(box, items, x=0):\n{body}\n"


async def drive(names: dict[str, Any]) -> list[object]:
    """What it returns or yields, with every other value thrown in as an exception."""
    made = names["main"](type("Box", (), {})(), [0, 0])
    if not hasattr(made, "asend"):
        return [await made]
    got: list[object] = [await made.asend(None)]
    got += [await (made.asend(number) if number % 2 else made.athrow(KeyError(number))) for number in range(5)]
    await made.aclose()
    return got


def run(source: str, *, rewritten: bool) -> tuple[object, str, list[object]]:
    """What a program gives, how it fails with lines and contexts, and what it said."""
    code = (
        rewriter.rewrite(source.encode(), "program.py", sync=True)
        if rewritten
        else compile(source, "program.py", "exec")
    )
    names: dict[str, Any] = {"__name__": "app"}
    exec(compile(MANAGERS, "managers.py", "exec"), names)
    exec(code, names)
    value, error = None, ""
    try:
        value = asyncio.run(drive(names))
    except BaseException as raised:  # noqa: BLE001  # whatever it is, it is compared
        error = told(raised)
    return value, error, names["said"]


def told(error: BaseException | None) -> str:
    """An exception, its lines in the program, and the same of its context."""
    if error is None:
        return ""
    lines = [
        (frame.name, frame.lineno)
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == "program.py"
    ]
    return f"{error!r} {lines} <- {told(error.__context__)}"


def is_program(source: str) -> bool:
    try:
        compile(source, "program.py", "exec")
    except SyntaxError:
        return False
    return True


@settings(max_examples=examples(60), deadline=None, derandomize=IN_THE_GATE)
@given(program().filter(is_program))
def test_any_program_does_what_it_does(source: str) -> None:
    """Values, what is said in which order, exceptions with their lines and contexts."""
    plain = run(source, rewritten=False)
    with testing.recorder(sync=True):
        assert run(source, rewritten=True) == plain
