"""``tenure.work``: a unit of work that the program names itself, as a block or as a function.

A block is entered by the statement; a function is held from its call to its return. Both are recorded where the program
runs and nowhere else: while nothing is recorded, a block keeps nothing, and a call only checks that.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable
from types import CodeType, TracebackType
from typing import ParamSpec, TypeVar, cast, overload

from tenure import _probe_api as probe
from tenure._core import object_access
from tenure._identify import resources, tasks, tracer
from tenure._identify.resources import Description
from tenure._identify.sites import Site
from tenure._patching.bodies import awaited, immediate

KIND = "work"
_CALLING = "recording a unit of work"  # said where it fails
_P = ParamSpec("_P")
_R = TypeVar("_R")


class Work:
    """A named unit of work. It may be entered again, also by several tasks at the same time."""

    __slots__ = ("__weakref__", "_entries", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._entries: list[tuple[probe.Record | None, int]] = []  # record (None: rewritten code has it) and task

    def __call__(self, function: Callable[_P, _R]) -> Callable[_P, _R]:
        """Decorate a function: each of its calls is such a unit of work.

        Raises:
            TypeError: it is a class, a generator function, or no function at all.
        """
        return cast("Callable[_P, _R]", _decorate(function, self.name))

    def __enter__(self) -> None:
        self._begin(probe.enter(self, sync=True))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._end(error)

    async def __aenter__(self) -> None:
        self._begin(probe.enter(self))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._end(error)

    def __repr__(self) -> str:
        return f"tenure.work({self.name!r})"

    def _begin(self, record: probe.Record | None) -> None:
        if record is not None:
            probe.acquired(record)
        if tracer.current.is_recording:
            tasks.begin_unit()
            self._entries.append((record, tasks.current()))

    def _end(self, error: BaseException | None) -> None:
        if self._entries:
            record, _ = self._entries.pop(self._newest())
            tasks.end_unit()
            if record is not None:
                _finish(record, error)

    def _newest(self) -> int:
        """The index of the newest entry of the running task; of the newest of all where it has none."""
        task = tasks.current()
        own = (index for index in reversed(range(len(self._entries))) if self._entries[index][1] == task)
        return next(own, -1)


@overload
def work(subject: str, /) -> Work: ...
@overload
def work(subject: Callable[_P, _R], /) -> Callable[_P, _R]: ...
def work(subject: object = None, /) -> object:
    """Record a unit of work: ``with tenure.work("nightly import"):``, ``async with`` alike, or ``@tenure.work``.

    A block has the name that it is given. ``@tenure.work`` gives the calls of a function, async or not, its qualified
    name, ``@tenure.work("name")`` another one. A unit of work is one lifecycle of the kind "work": within a request it
    is a child of that, elsewhere it is a root. The exception that ends it, or its cancellation, is its outcome.

    Raises:
        TypeError: there is no name, or what is decorated is a class, a generator function, or no function at all.
    """
    if issubclass(type(subject), str):
        name = object_access.exact(subject)
        if not name:
            raise TypeError('tenure.work needs a name that is not empty (with tenure.work("nightly import"):)')
        return Work(name)
    if subject is None:
        raise TypeError('tenure.work needs a name (with tenure.work("nightly import"):) or a function (@tenure.work)')
    return _decorate(cast("Callable[..., object]", subject), None)


def know() -> None:
    """Describe units of work to a recording that begins."""
    resources.register(Work, _describe)
    resources.patched(Work)


def _describe(manager: object, _: str) -> Description:
    return Description(KIND, None, cast("Work", manager).name, enter="begin", exit="end")


def _decorate(function: Callable[..., object], name: str | None) -> object:
    if isinstance(function, staticmethod | classmethod):
        return type(function)(cast("Callable[..., object]", _decorate(function.__func__, name)))
    _check(function)
    inner = _innermost(function)
    unit = Work(name or object_access.exact(getattr(inner, "__qualname__", "")))
    code = getattr(inner, "__code__", None)
    place = (code.co_filename, code.co_firstlineno) if isinstance(code, CodeType) else ("", 0)
    site = Site(*place, object_access.exact(getattr(inner, "__qualname__", "")), "").key()

    def begin(*_: object) -> probe.Record | None:
        record = probe.enter(unit, site)
        if record is not None:
            probe.acquired(record)
            tasks.begin_unit()
        return record

    body = awaited.function if inspect.iscoroutinefunction(function) else immediate.function
    return body(function, _CALLING, before=begin, after=_returned, failed=_raised)


def _check(function: object) -> None:
    if not inspect.isroutine(function) and not isinstance(function, functools.partial):
        kind = type(function)
        subject = (
            f"the class {function.__qualname__}" if isinstance(function, type) else f"an object of {kind.__name__}"
        )
        raise TypeError(f"tenure.work takes a name or a function, not {subject} (decorate a function or a method)")
    inner = _innermost(function)
    if inspect.isgeneratorfunction(inner) or inspect.isasyncgenfunction(inner):
        raise TypeError(
            f"{getattr(inner, '__qualname__', 'it')} is a generator function: its caller runs between its yields "
            f'(use `with tenure.work("name"):` within it)'
        )


def _innermost(function: object) -> object:
    """The function below its decorators and partials."""
    inner = function
    with contextlib.suppress(ValueError):  # a circle of ``__wrapped__``
        inner = inspect.unwrap(cast("Callable[..., object]", function))
    while isinstance(inner, functools.partial):
        inner = inner.func
    return inner


def _returned(record: probe.Record, *_: object) -> None:
    _raised(record, None)


def _raised(record: probe.Record, error: BaseException | None) -> None:
    tasks.end_unit()
    _finish(record, error)


def _finish(record: probe.Record, error: BaseException | None) -> None:
    probe.leaving(record, error)
    probe.released(record, False)
