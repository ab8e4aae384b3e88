"""The chain of awaits of tasks that do not run, seen from the shipping thread.

A task that waits for the same future as at the last look has not moved since. What it awaits is then read from its
coroutine, through what each level awaits. Nothing of the program is called, and nothing of it is kept: a row refers
weakly to its task and its future, and a chain names code objects and numbers.

``look`` is ``tenure._probe.look`` where the native probe serves: one hold of the interpreter. Here another thread may
run in between. So only tasks that stood still are read, and what is read is thrown away if the task moved meanwhile.
"""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable, Container, Sequence
from contextlib import suppress
from types import (
    AsyncGeneratorType,
    CodeType,
    CoroutineType,
    FrameType,
    GeneratorType,
    GetSetDescriptorType,
    MemberDescriptorType,
)
from typing import NamedTuple, TypeAlias, TypeVar, cast

from tenure._core import object_access, probe_backend
from tenure._identify import tracer

# A row: weak references to the task and to the future that it waited for (None: it ran), whether what it awaits was
# reported, and when it was first seen to wait for this future.
TASK, FUTURE, IS_REPORTED, SINCE = range(4)
Row: TypeAlias = list[object]
Level: TypeAlias = tuple[CodeType, int]  # and the offset of the instruction that awaits, in bytes

_T = TypeVar("_T")

_MAX_LEVELS = 100
_SLEEPS = "delay", "seconds"
_LEVELS: tuple[tuple[type, str, str], ...] = (  # what has a frame, and the names of its frame and of what it awaits
    (CoroutineType, "cr_frame", "cr_await"),
    (GeneratorType, "gi_frame", "gi_yieldfrom"),
    (AsyncGeneratorType, "ag_frame", "ag_await"),
)
# C types that pass an await on, and do not say to what.
_PASS_ON = frozenset({"coroutine_wrapper", "async_generator_asend", "async_generator_athrow", "anext_awaitable"})
_HAVE_SELF = frozenset({"acquire", "acquire_on_behalf_of", "wait"})  # methods of what may be a known resource


def _getter(name: str) -> Callable[[object], object]:
    """``object_access.attribute`` of a task; at once where the task is of asyncio's type in C."""
    declared = asyncio.Task.__dict__.get(name)
    ask = declared.__get__ if type(declared) is GetSetDescriptorType else None

    def read(task: object) -> object:
        if ask is not None and issubclass(type(task), asyncio.Task):
            return ask(task)
        return object_access.attribute(task, name)

    return read


_waiter_of = _getter("_fut_waiter")  # the future that a task waits for
_coroutine_of = _getter("_coro")


class Standing(NamedTuple):
    """A task that has not moved since the last look. ``shape`` is the same for the same levels."""

    row: Row
    shape: int
    levels: Sequence[Level] | None  # outermost first; None: its shape is known
    resource_level: int  # the innermost level that is a method of a known resource, -1: none
    resource: int
    delay: float | None  # of ``sleep``
    tail: type  # of what the innermost level awaits
    address: int


Event: TypeAlias = Standing | tuple[Row]  # a row alone: that task has moved since it was reported


class _Chain:
    """What was read of one task."""

    def __init__(self) -> None:
        self.levels: list[Level] = []
        self.shape = 0
        self.resource_level, self.resource = -1, 0
        self.delay: float | None = None
        self.timed: object = None  # what the innermost level, ``wait_for`` of 3.11, waits for
        self.is_future = True  # what the innermost level awaits is the task's future

    def add(self, frame: FrameType) -> None:
        code, offset = frame.f_code, frame.f_lasti
        name = code.co_name
        self.timed = frame.f_locals.get("fut") if name == "wait_for" else None
        if name == "sleep":
            values = [frame.f_locals.get(name) for name in _SLEEPS if name in code.co_varnames]
            self.delay = next((value for value in values if type(value) is float or type(value) is int), self.delay)
        elif name in _HAVE_SELF and code.co_argcount:
            known = tracer.current.resource_ids.by_address.get(id(frame.f_locals.get(code.co_varnames[0])))
            if known is not None:
                self.resource_level, self.resource = len(self.levels), known[0]
        self.levels.append((code, offset))
        self.shape = hash((self.shape, id(code), offset))


def look(rows: list[Row], now: int, shapes: dict[int, _T]) -> list[Event]:
    """Look at the tasks of these rows; which of them have not moved, and which have moved since they were reported."""
    events: list[Event] = []
    for row in rows:
        task = cast("weakref.ref[object]", row[TASK])()
        future = None if task is None else _waiter_of(task)
        before = cast("weakref.ref[object] | None", row[FUTURE])
        if future is not None and before is not None and before() is future:
            if not row[IS_REPORTED]:
                row[IS_REPORTED] = True
                standing = read(_coroutine_of(task), future, row, shapes)
                if _waiter_of(task) is future:
                    events.append(standing)
                else:
                    row[FUTURE], row[IS_REPORTED], row[SINCE] = None, False, now
        elif future is not None or before is not None:
            row[FUTURE] = _weakly(future)
            row[SINCE] = now
            if row[IS_REPORTED]:
                row[IS_REPORTED] = False
                events.append((row,))
    return events


def is_asyncios(row: Row) -> bool:
    """Whether the row's task is one of asyncio's, or gone."""
    task = cast("weakref.ref[object]", row[TASK])()
    return task is None or issubclass(type(task), asyncio.Task)


def _weakly(future: object) -> weakref.ref[object] | None:
    with suppress(TypeError):  # then it is never known again
        return None if future is None else weakref.ref(future)
    return None


def read(coroutine: object, future: object, row: Row, shapes: Container[int]) -> Standing:
    """The chain from this coroutine to the future at its end."""
    chain, current = _Chain(), coroutine
    for _ in range(2 * _MAX_LEVELS):
        awaited = _step(current, chain)
        if awaited is None or len(chain.levels) >= _MAX_LEVELS:
            break
        current = awaited
    awaited = future if chain.timed is None else chain.timed
    tail = awaited if chain.is_future else current
    levels = None if chain.shape in shapes else tuple(chain.levels)
    return Standing(row, chain.shape, levels, chain.resource_level, chain.resource, chain.delay, type(tail), id(tail))


def _step(thing: object, chain: _Chain) -> object:
    """What this object awaits; None: nothing, or it does not say."""
    kind = type(thing)
    chain.is_future = True
    if kind is CoroutineType:
        frame = thing.cr_frame  # type: ignore[attr-defined]
        if frame is not None:
            chain.add(frame)
        return thing.cr_await  # type: ignore[attr-defined]
    for level, frame_name, link_name in _LEVELS:
        if kind is level:
            frame = getattr(thing, frame_name)
            if frame is not None:
                chain.add(frame)
            return getattr(thing, link_name)
    if object_access.short_name(kind) == "FutureIter":
        return None
    if _passes_on(kind):
        return next((other for other in gc.get_referents(thing) if _is_link(type(other))), None)
    chain.is_future = False
    declared = type(object_access.of_class(kind, "cr_await"))  # Cython's coroutines have it
    if declared is GetSetDescriptorType or declared is MemberDescriptorType:
        return object_access.attribute(thing, "cr_await")
    return None


def _passes_on(kind: type) -> bool:
    return object_access.module_name(kind) == "builtins" and object_access.short_name(kind) in _PASS_ON


def _is_link(kind: type) -> bool:
    return any(kind is level for level, _, _ in _LEVELS) or _passes_on(kind)


if probe_backend.SERVES:
    from tenure import _probe

    def looks(rows: list[Row], now: int, shapes: dict[int, _T]) -> list[Event]:
        """``look`` by the native probe."""
        events = cast("list[Event]", _probe.look(rows, now, shapes))
        return [Standing._make(event) if len(event) > 1 else event for event in events]

else:
    looks = look
