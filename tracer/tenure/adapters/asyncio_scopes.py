"""asyncio.timeout, timeout_at and TaskGroup: made for one use, so each place in the program is one resource.

Libraries enter timeouts without an end wherever a caller of theirs might have wanted one: nothing is held then, and
nothing is recorded.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from types import CodeType, FrameType, ModuleType
from typing import NamedTuple

from tenure._core import object_access
from tenure._identify import cancellation, libraries, resources, sites, tracer
from tenure._identify.exceptions import Canceller, type_name
from tenure._identify.resources import Description
from tenure._patching import class_patches
from tenure.adapters._kit import after_init


class Place(NamedTuple):
    """Text is made of it only if it is asked for, which is seldom."""

    code: CodeType
    offset: int
    by: str  # the function of asyncio that was called there, "" where it is no other than the resource's


class _Timeouts:
    """The timeouts with an end, and where the program made them."""

    def __init__(self) -> None:
        self.lengths: object_access.ByIdentity[float] = object_access.ByIdentity()  # seconds
        self.made_at: object_access.ByIdentity[Place] = object_access.ByIdentity()


def install(module: ModuleType) -> None:
    """Patch the classes of asyncio."""
    resources.register(module.Timeout, _timeout)
    class_patches.patch_manager(module.Timeout, predicate=_has_an_end)
    after_init.note(module.Timeout, _measure)
    resources.register(module.TaskGroup, _task_group)
    class_patches.patch_manager(module.TaskGroup)


def _timeout(manager: object, _: str) -> Description:
    return Description("asyncio.timeout", None, name=_length(manager))


def _has_an_end(manager: object) -> bool:
    if type(manager) is asyncio.Timeout:
        return manager._when is not None  # type: ignore[attr-defined]  # noqa: SLF001
    return object_access.attribute(manager, "_when") is not None


def _task_group(manager: object, _: str) -> Description:
    return Description(type_name(type(manager)), None)


def _length(manager: object) -> str:
    """How long the timeout was to be when it was made, "0.5 s"; "" for one without an end."""
    seconds = tracer.current.of(_Timeouts).lengths.get(manager)
    if seconds is None:
        seconds = _seconds_left(manager)
    return "" if seconds is None else length(seconds)


def length(seconds: float) -> str:
    """Say how long a timeout is: two digits are enough to know it by, and keep the number of resources small."""
    return "0 s" if seconds < 0.001 else f"{float(f'{seconds:.2g}'):.6g} s"


def _seconds_left(manager: object) -> float | None:
    when = object_access.attribute(manager, "_when")
    if type(when) is not float and type(when) is not int:
        return None
    loop = asyncio.get_running_loop()
    own = object_access.of_class(type(loop), "time")
    is_asyncios = own is asyncio.BaseEventLoop.time or object_access.module_name(type(loop)).startswith("uvloop")
    return when - loop.time() if is_asyncios else None  # a program's own clock is not read for it


def _measure(timeout: object, *_: object, **__: object) -> None:
    with contextlib.suppress(RuntimeError):  # no loop is running: it is measured when it is entered
        if object_access.attribute(timeout, "_when") is None:
            return
        asked = _seconds_asked(sys._getframe(2))  # noqa: SLF001  # no other way to the caller
        seconds = _seconds_left(timeout) if asked is None else asked
        if seconds is not None:
            timeouts = tracer.current.of(_Timeouts)
            timeouts.lengths.put(timeout, seconds)
            timeouts.made_at.put(timeout, place())


def _seconds_asked(maker: FrameType) -> float | None:
    """How long ``asyncio.timeout()`` was told: what is left of it says less on a machine that is busy."""
    code = maker.f_code
    if code.co_name != "timeout" or code.co_filename != asyncio.timeouts.__file__:
        return None
    delay = maker.f_locals.get("delay")
    return float(delay) if type(delay) is int or type(delay) is float else None


def canceller(timeout: object) -> Canceller:
    """A timeout that cancels: where the program made it, or called ``wait_for``, and how long it was."""
    return made_at(tracer.current.of(_Timeouts).made_at.get(timeout), _length(timeout))


def made_at(place: Place | None, long: str, by: str = "timeout") -> Canceller:
    """Something with an end, which has come, and how long it was; ``by``: where its place does not say what it is."""
    site = "" if place is None else sites.of_instruction(place.code, place.offset)
    return Canceller(0, "", f"{(place and place.by) or by} {long}".rstrip(), site)


def place() -> Place:
    """The program's place that makes something now; to be called by what ``made`` calls."""
    by = ""
    for frame in libraries.stack(sys._getframe(2)):  # noqa: SLF001  # no other way to the caller
        code = frame.f_code
        if code.co_name == "wait_for" and code.co_filename == asyncio.tasks.__file__:
            by = "wait_for"
        elif not cancellation.is_library(frame) and code.co_filename != after_init.__file__:
            break
    return Place(code, frame.f_lasti, by)
