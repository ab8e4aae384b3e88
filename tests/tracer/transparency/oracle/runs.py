"""Runs a random program as it is, before the witness and recorded, and says what it did each time."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import linecache
import sys
import traceback
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any, NamedTuple
from unittest import mock

from tests.tracer.transparency.oracle import identities, managers, records
from tests.tracer.transparency.oracle.deterministic_loop import Loop
from tests.tracer.transparency.oracle.observer import WITNESSED, Witness
from tests.tracer.transparency.oracle.programs import Program

from tenure import testing
from tenure._assembly import ledger
from tenure._rewriting import ast_tools, rewriter

_numbers = itertools.count(1)


class Did(NamedTuple):
    """What a program said, how each of its tasks ended, and when its gates were freed."""

    said: list[tuple[object, ...]]
    ends: list[str]
    died: list[int]


class Runs(NamedTuple):
    """Three runs of one program: what it did, what should be recorded of it, what was."""

    plain: Did
    watched: Did
    recorded: Did
    expected: records.Record
    record: records.Record


def run(program: Program) -> Runs:
    """Run it three times, in a file of its own that exists only for those who ask for its lines."""
    file = f"program{next(_numbers)}.py"
    with _at_rest(), _readable(file, program.plain()):
        plain = _did(compile(program.plain(), file, "exec"), _names(), Loop(), program)
        watched, witness = _watched(program, file)
        watched = watched._replace(died=plain.died)  # the witness keeps what it watches
        recorded, record = _recorded(program, file)
        if sys.version_info < (3, 12) and _wraps(rewriter.rewrite(program.plain().encode(), file, sync=program.sync)):
            # Of the coroutines that an exception is thrown through, 3.11 leaves one out of the traceback, the manager's
            # as it is and the wrapper's where there is one; the manager's frame then keeps the manager a little longer.
            recorded = recorded._replace(died=plain.died)
    # Who cancelled what was recorded is told of too, where that is known: which probe knows what is not the oracle's.
    return Runs(plain, watched, recorded, witness.record({task.id for task in record.tasks}), record)


def _watched(program: Program, file: str) -> tuple[Did, Witness]:
    told = program.told()
    names = _names()
    witness = Witness(identities.sites(told, file, program.expressions()), names, program.long_held)
    names |= witness.calls(sync=program.sync)
    return _did(compile(told, file, "exec"), names, witness.loop(), program, witness.flush), witness


def _recorded(program: Program, file: str) -> tuple[Did, records.Record]:
    flushes = []
    with (
        mock.patch.object(ledger, "LONG_HELD_NS", program.long_held * testing.TICK_NS),
        testing.recorder(sync=program.sync) as recorder,
    ):
        code = rewriter.rewrite(program.plain().encode(), file, sync=program.sync)
        did = _did(code, _names(), Loop(), program, lambda: flushes.append(recorder.batches()))
    return did, records.read(flushes)


def _did(
    code: CodeType, names: dict[str, Any], loop: Loop, program: Program, flush: Callable[[], None] = lambda: None
) -> Did:
    managers.said.clear()
    managers.died.clear()
    names["flush"] = flush
    names["cancel"] = lambda number: loop.made[number].cancel("by another") if number < len(loop.made) else None
    ends = []
    try:
        exec(code, names)
    except BaseException as error:  # noqa: BLE001  # whatever it is, it is compared
        ends.append(_told(error, code.co_filename))
    else:
        if program.eager:
            loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]  # from 3.12 on
        loop.finish(names["main"](), flush)
        ends += [_end(task, code.co_filename) for task in loop.made]
    flush()
    loop.close()
    return Did([*managers.said], ends, [*managers.died])


def _wraps(code: CodeType) -> bool:
    """Whether not all statements could be stamped in place."""
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return f"{ast_tools.PREFIX}_traced" in code.co_names or any(map(_wraps, inner))


def _names() -> dict[str, Any]:
    given = {name: getattr(managers, name) for name in managers.__all__}
    calls = dict.fromkeys(WITNESSED)  # the program may list its names
    return {"__name__": "app", "asyncio": asyncio, "contextlib": contextlib, "sys": sys, **calls, **given}


def _end(task: asyncio.Task[Any], file: str) -> str:
    if not task.done():
        return "runs"
    if task.cancelled():
        return "cancelled"
    error = task.exception()
    return repr(task.result()) if error is None else _told(error, file)


def _told(error: BaseException | None, file: str) -> str:
    """An exception, its lines in the program, and the same of its context."""
    if error is None:
        return ""
    lines = [
        (frame.name, frame.lineno) for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file
    ]
    return f"{error!r} {lines} <- {_told(error.__context__, file)}"


@contextlib.contextmanager
def _readable(file: str, text: str) -> Iterator[None]:
    linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file
    try:
        yield
    finally:
        del linecache.cache[file]


@contextlib.contextmanager
def _at_rest() -> Iterator[None]:
    """Objects die when nobody refers to them, and at no other time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
