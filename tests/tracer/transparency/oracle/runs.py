"""Runs a random program as it is, under the observer and recorded, and returns what it did each time."""

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
from tests.tracer.transparency.oracle.observer import OBSERVER_CALLS, Observer
from tests.tracer.transparency.oracle.program import Program

from tenure import testing
from tenure._assembly import open_lifecycles
from tenure._identify.resources import Description
from tenure._rewriting import ast_tools, rewriter
from tenure.adapters._kit import constructed

_CLIENT = f"{managers.__name__}.Client"
_numbers = itertools.count(1)


class RunResult(NamedTuple):
    """What a program said, how each of its tasks ended, and when its gates were freed."""

    said: list[tuple[object, ...]]
    ends: list[str]
    died: list[int]


class Runs(NamedTuple):
    """Three runs of one program: what it did, what should be recorded of it, what was."""

    plain: RunResult
    observed: RunResult
    recorded: RunResult
    expected: records.Record
    record: records.Record


def run(program: Program) -> Runs:
    """Run it three times, in a file of its own that exists only for those who ask for its lines."""
    file = f"program{next(_numbers)}.py"
    with _at_rest(), _readable(file, program.plain()):
        plain = _execute(compile(program.plain(), file, "exec"), _names(), Loop(), program)
        observed, observer = _observed(program, file)
        observed = observed._replace(died=plain.died)  # the observer keeps what it observes alive
        recorded, record = _recorded(program, file)
        if sys.version_info < (3, 12) and _wraps(rewriter.rewrite(program.plain().encode(), file, sync=program.sync)):
            # Of the coroutines that an exception is thrown through, 3.11 leaves one out of the traceback, the manager's
            # as it is and the wrapper's where there is one; the manager's frame then keeps the manager a little longer.
            recorded = recorded._replace(died=plain.died)
    # ``also``: a task that cancelled another is recorded where the probe knows it, which the oracle cannot.
    return Runs(plain, observed, recorded, observer.record({task.id for task in record.tasks}), record)


def _observed(program: Program, file: str) -> tuple[RunResult, Observer]:
    text = program.observed_text()
    names = _names()
    observer = Observer(identities.sites(text, file, program.expressions()), names, program.long_held)
    names |= observer.calls(sync=program.sync)
    return _execute(compile(text, file, "exec"), names, observer.loop(), program, observer.flush), observer


def _recorded(program: Program, file: str) -> tuple[RunResult, records.Record]:
    flushes = []
    with (
        mock.patch.object(open_lifecycles, "LONG_HELD_NS", program.long_held * testing.TICK_NS),
        testing.recorder(sync=program.sync) as recorder,
    ):
        constructed.patch(managers.Client, ("close",), lambda client, _: Description(_CLIENT, client))
        code = rewriter.rewrite(program.plain().encode(), file, sync=program.sync)
        result = _execute(code, _names(), Loop(), program, lambda: flushes.append(recorder.batches()))
    return result, records.read(flushes)


def _execute(
    code: CodeType, names: dict[str, Any], loop: Loop, program: Program, flush: Callable[[], None] = lambda: None
) -> RunResult:
    managers.said.clear()
    managers.died.clear()
    names["flush"] = flush
    names["cancel"] = lambda number: loop.made[number].cancel("by another") if number < len(loop.made) else None
    ends = []
    try:
        exec(code, names)
    except BaseException as error:  # noqa: BLE001  # whatever it is, it is compared
        ends.append(_describe(error, code.co_filename))
    else:
        if program.eager:
            loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]  # from 3.12 on
        loop.finish(names["main"](), flush)
        ends += [_end(task, code.co_filename) for task in loop.made]
    flush()
    loop.close()
    return RunResult([*managers.said], ends, [*managers.died])


def _wraps(code: CodeType) -> bool:
    """Whether not all statements could be stamped in place."""
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return f"{ast_tools.PREFIX}_traced" in code.co_names or any(map(_wraps, inner))


def _names() -> dict[str, Any]:
    manager_names = {name: getattr(managers, name) for name in managers.__all__}
    calls = dict.fromkeys(OBSERVER_CALLS)  # the program may list its names
    return {"__name__": "app", "asyncio": asyncio, "contextlib": contextlib, "sys": sys, **calls, **manager_names}


def _end(task: asyncio.Task[Any], file: str) -> str:
    if not task.done():
        return "runs"
    if task.cancelled():
        return "cancelled"
    error = task.exception()
    return repr(task.result()) if error is None else _describe(error, file)


def _describe(error: BaseException | None, file: str) -> str:
    """An exception, its lines in the program, and the same of its context."""
    if error is None:
        return ""
    lines = [
        (frame.name, frame.lineno) for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file
    ]
    return f"{error!r} {lines} <- {_describe(error.__context__, file)}"


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
