"""The Python probe's wrappers of functions that take a resource or give it back, see ``acquire_release``.

The native probe has its own (tracer/native/patch/acquire_release.c), which add no coroutine.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import NamedTuple

from tenure import _probe_api as probe
from tenure._core import faults
from tenure._core.object_access import ByIdentity
from tenure._core.record_layout import RELEASE, RELEASER, Listed
from tenure._core.wrapping import Method
from tenure._identify import call_site_cache, tracer
from tenure._patching.bodies import awaited, immediate, wrapper_code
from tenure._probe_api import pure_probe
from tenure.adapters._kit import held_tokens

Begin = Callable[[object, FrameType], probe.Record | None]  # what this frame takes by calling a method of the object
Surplus = Callable[[object, FrameType], None]  # notes that this frame releases what its task does not hold
Gives = Callable[[object, FrameType | None], bool]  # whether it is this frame that gives the token back

_ACQUIRING, _RELEASING = "finding out who acquires", "finding out what is released"  # said where they fail


class AcquiringTasks:
    """Tasks that do nothing but acquire, on behalf of the task that made them."""

    def __init__(self) -> None:
        # Of the coroutines by which such a task is known; those of our own wrappers are always among them.
        self.codes: set[CodeType] = {wrapper_code(awaited.acquire), wrapper_code(awaited.function)}
        # By task: who made it, at which site, and the known library that did it for itself or its caller, else "".
        self.made_by: ByIdentity[tuple[int, str, str]] = ByIdentity()


class NotAcquired(Exception):
    """The acquire returned False."""


class Taking(NamedTuple):
    """How an acquire is recorded."""

    begin: Begin
    predicate: Callable[[object], bool] | None  # None: every object
    itself: bool  # the resource is the object itself
    enter: CodeType | None  # the code that calls it for a statement
    by_result: bool  # the token is what it returns, else the object itself
    when_gone: held_tokens.WhenGone | None  # called for a result that is dropped; None: it stays held


def taking(original: Method, how: Taking, *, sync: bool) -> Method:
    """In the place of an acquire that is awaited, or with ``sync`` of one that returns what it took."""
    enter = how.enter

    def begin(manager: object, _: tuple[object, ...], __: dict[str, object]) -> probe.Record | None:
        frame = sys._getframe(1).f_back  # noqa: SLF001  # no other way to the caller
        if frame is None or frame.f_code is enter:
            return None
        site = call_site_cache.known(frame, call_site_cache.BY_CALL, type(manager)) if how.itself else ""
        if not site:
            return how.begin(manager, frame)
        return pure_probe.enter_known(site, manager) if how.predicate is None or how.predicate(manager) else None

    def end_by_result(record: probe.Record, value: object, _: object) -> None:
        came_back(record, value, value, how.when_gone)

    acquire = immediate.acquire if sync else awaited.acquire
    end = end_by_result if how.by_result else came_back
    return acquire(original, _ACQUIRING, before=begin, after=end, failed=probe.failed)


def came_back(
    record: probe.Record, value: object, token: object, when_gone: held_tokens.WhenGone | None = None
) -> None:
    """An acquire returned this value: the token is held."""
    if value is False:
        probe.failed(record, NotAcquired("the acquire returned False"))
        return
    probe.acquired(record)
    try:
        held_tokens.hold(token, record, when_gone)
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("remembering who holds a {}", error, kind=type(token))


def giving(original: Method, gives: Gives, *, by_result: bool, surplus: Surplus | None) -> Method:
    """In a release's place; ``by_result``: the token is one of its arguments, else it is the object itself.

    ``surplus``: of a token that may be released too often, what notes that.
    """

    def begin(
        manager: object, arguments: tuple[object, ...], named: dict[str, object], depth: int = 1
    ) -> probe.Record | None:
        """The record of what is held and given back, now leaving; None where nothing is."""
        if not tracer.current.held_tokens:
            return None
        for candidate in (*arguments, *named.values()) if by_result else (manager,):
            if held_tokens.is_held(candidate) or (surplus is not None and held_tokens.has_given_back(candidate)):
                frame = sys._getframe(depth).f_back  # noqa: SLF001  # no other way to the caller
                if not gives(candidate, frame):
                    return None
                record = held_tokens.give_back(candidate, is_counted=surplus is not None)
                if record is None and surplus is not None and frame is not None:
                    surplus(candidate, frame)
                return record
        return None

    if inspect.iscoroutinefunction(original):
        return awaited.method(original, _RELEASING, before=begin, after=_released, failed=probe.failed)

    def begin_release(
        manager: object, arguments: tuple[object, ...], named: dict[str, object]
    ) -> tuple[probe.Record, object] | None:
        record = begin(manager, arguments, named, 2)
        return None if record is None else (record, None if by_result else manager)

    return immediate.method(original, _RELEASING, before=begin_release, after=_returned, failed=_refused)


def _released(record: probe.Record, _: object) -> None:
    probe.released(record, None)


def _refused(release: tuple[Listed, object], error: BaseException) -> None:
    """The release raised: what another task acquired is still held."""
    record, token = release
    if token is not None and record[RELEASER]:
        record[RELEASE] = record[RELEASER] = 0
        held_tokens.hold(token, record)
    else:
        probe.failed(record, error)


def _returned(release: tuple[probe.Record, object], value: object) -> object:
    """What the program gets in place of a value that has to be awaited."""
    record, _ = release
    if value is not None and inspect.isawaitable(value):
        return _ending(record, value)
    probe.released(record, None)
    return None


def _awaitable(_: probe.Record, release: object) -> object:
    return release


def _same_record(record: probe.Record, *_: object) -> probe.Record:
    return record


_ending = awaited.method(_awaitable, _RELEASING, before=_same_record, after=_released, failed=probe.failed)
