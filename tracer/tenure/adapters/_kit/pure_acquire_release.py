"""The Python probe's wrappers of functions that take a resource or give it back, see ``calls``.

The native probe has its own (tracer/native/patch/acquire_release.c), which add no coroutine.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Awaitable, Callable
from types import CodeType, FrameType
from typing import NamedTuple

from tenure import _probe_api as probe
from tenure._core import faults
from tenure._core.object_access import ByIdentity
from tenure._core.wrapping import AsyncMethod, Method, match_coroutine_kind, strip_frame
from tenure._identify import call_site_cache, tracer
from tenure._identify.open_uses import HeldToken
from tenure._probe_api import pure_probe
from tenure.adapters._kit import held_tokens

Begin = Callable[[object, FrameType], probe.Record | None]  # what this frame takes by calling a method of the object
Gives = Callable[[object, FrameType | None], bool]  # whether it is this frame that gives the token back

_ACQUIRING, _RELEASING = "finding out who acquires", "finding out what is released"  # said where they fail


class AcquiringTasks:
    """Tasks that do nothing but acquire, on behalf of the task that made them."""

    def __init__(self) -> None:
        self.codes: set[CodeType] = set()  # of the coroutines by which such a task is known
        self.made_by: ByIdentity[tuple[int, str]] = ByIdentity()  # by task: who made it, and its site


class NotAcquired(Exception):
    """The acquire returned False."""


class Taking(NamedTuple):
    """How an acquire is told of."""

    begin: Begin
    predicate: Callable[[object], bool] | None  # None: every object
    itself: bool  # the resource is the object itself
    enter: CodeType | None  # the code that calls it for a statement
    by_result: bool  # the token is what it returns, else the object itself


def taking(original: Method, how: Taking) -> Method:
    """In an acquire's place that is awaited."""
    enter = how.enter

    async def acquiring(manager: object, *arguments: object, _original: Method = original, **named: object) -> object:
        frame, record = sys._getframe().f_back, None  # noqa: SLF001  # no other way to the caller
        try:
            if frame is not None and frame.f_code is not enter:
                record = _begin(manager, frame, how)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(_ACQUIRING, fault)
        del frame
        try:
            value = await _original(manager, *arguments, **named)  # type: ignore[misc]
        except BaseException as error:
            try:
                strip_frame(error, acquiring.__code__)
                if record is not None:
                    probe.failed(record, error)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(_ACQUIRING, fault)
            del manager, arguments, named
            raise
        try:
            if record is not None:
                came_back(value, value if how.by_result else manager, record)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(_ACQUIRING, fault)
        return value

    tracer.current.of(AcquiringTasks).codes.add(acquiring.__code__)
    return match_coroutine_kind(original, acquiring)


def taking_now(original: Method, how: Taking) -> Method:
    """In an acquire's place that returns what it took."""
    enter = how.enter

    def acquiring(manager: object, *arguments: object, **named: object) -> object:
        frame, record = sys._getframe().f_back, None  # noqa: SLF001  # no other way to the caller
        try:
            if frame is not None and frame.f_code is not enter:
                record = _begin(manager, frame, how)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(_ACQUIRING, fault)
        del frame
        try:
            value = original(manager, *arguments, **named)
        except BaseException as error:
            try:
                strip_frame(error, acquiring.__code__)
                if record is not None:
                    probe.failed(record, error)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(_ACQUIRING, fault)
            del manager, arguments, named
            raise
        try:
            if record is not None:
                came_back(value, value if how.by_result else manager, record)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(_ACQUIRING, fault)
        return value

    return acquiring


def _begin(manager: object, frame: FrameType, how: Taking) -> probe.Record | None:
    site = call_site_cache.known(frame, call_site_cache.BY_CALL) if how.itself else ""
    if not site:
        return how.begin(manager, frame)
    return pure_probe.enter_known(site, manager) if how.predicate is None or how.predicate(manager) else None


def came_back(value: object, token: object, record: probe.Record) -> None:
    """An acquire returned this value: the token is held."""
    if value is False:
        probe.failed(record, NotAcquired("the acquire returned False"))
        return
    probe.acquired(record)
    try:
        held_tokens.hold(token, record)
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("remembering who holds a {}", error, kind=type(token))


def giving(original: Method, gives: Gives, *, by_result: bool) -> Method:
    """In a release's place; ``by_result``: the token is one of its arguments, else it is the object itself."""
    later = inspect.iscoroutinefunction(original)
    return (
        _giving_later(original, gives, by_result=by_result) if later else _giving(original, gives, by_result=by_result)
    )


def _giving(original: Method, gives: Gives, *, by_result: bool) -> Method:
    tokens = tracer.current.held_tokens  # the wrapper is made for one recording

    def releasing(manager: object, *arguments: object, **named: object) -> object:
        given = (*arguments, *named.values()) if by_result else (manager,)
        record = None
        try:
            if tokens:
                record = _given_back(tokens, given, gives, sys._getframe().f_back)  # noqa: SLF001  # no other way
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(_RELEASING, fault)
        try:
            value = original(manager, *arguments, **named)
        except BaseException as error:
            try:
                strip_frame(error, releasing.__code__)
                if record is not None:
                    probe.failed(record, error)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(_RELEASING, fault)
            del manager, arguments, named, given
            raise
        if record is None:
            return value
        try:
            if value is not None and inspect.isawaitable(value):
                return _ending(record, value)
            probe.released(record, None)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(_RELEASING, fault)
        return value

    return releasing


def _giving_later(original: Method, gives: Gives, *, by_result: bool) -> AsyncMethod:
    tokens = tracer.current.held_tokens  # the wrapper is made for one recording

    async def releasing(manager: object, *arguments: object, **named: object) -> object:
        given = (*arguments, *named.values()) if by_result else (manager,)
        record = None
        try:
            if tokens:
                record = _given_back(tokens, given, gives, sys._getframe().f_back)  # noqa: SLF001  # no other way
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(_RELEASING, fault)
        try:
            value = await original(manager, *arguments, **named)  # type: ignore[misc]
        except BaseException as error:
            try:
                strip_frame(error, releasing.__code__)
                if record is not None:
                    probe.failed(record, error)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(_RELEASING, fault)
            del manager, arguments, named, given
            raise
        try:
            if record is not None:
                probe.released(record, None)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(_RELEASING, fault)
        return value

    return releasing


def _given_back(
    tokens: dict[int, HeldToken], candidates: tuple[object, ...], gives: Gives, frame: FrameType | None
) -> probe.Record | None:
    """The record of what is held and given back by this frame, now leaving; None where nothing is."""
    for candidate in candidates:
        held = tokens.get(id(candidate))
        if held is not None and held.records:
            return held_tokens.give_back(candidate) if gives(candidate, frame) else None
    return None


async def _ending(record: probe.Record, release: Awaitable[object]) -> object:
    try:
        value = await release
    except BaseException as error:
        try:
            strip_frame(error, _ending.__code__)
            probe.failed(record, error)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(_RELEASING, fault)
        del release
        raise
    try:
        probe.released(record, None)
    except Exception as fault:  # noqa: BLE001  # never into the program
        faults.fault(_RELEASING, fault)
    return value
