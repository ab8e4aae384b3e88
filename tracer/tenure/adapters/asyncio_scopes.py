"""asyncio.timeout, timeout_at and TaskGroup: made for one use, so each line of the program is one resource.

A timeout without a deadline holds nothing and is not recorded: libraries enter such timeouts when their caller gave no
timeout.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from types import CodeType, FrameType, ModuleType
from typing import NamedTuple

from tenure._core import object_access
from tenure._core.paths import code_file, is_own_frame
from tenure._identify import cancellation, frame_kinds, libraries, resources, sites, task_origins, tracer
from tenure._identify.exceptions import Canceller
from tenure._identify.kinds import kind_name
from tenure._identify.resources import Description
from tenure._patching import class_patches
from tenure.adapters._kit import after_init


class Place(NamedTuple):
    """Where the program made a timeout; its text is made only when it is needed, which is rare."""

    code: CodeType
    offset: int
    by: str  # what people call that timeout, "" if it is the resource's own name


class _Timeouts:
    """The timeouts with an end, and where the program made them."""

    def __init__(self) -> None:
        self.names: dict[tuple[str, str], str] = {}  # of what these functions make, by file and function
        self.lengths: object_access.ByIdentity[float] = object_access.ByIdentity()  # seconds
        self.made_at: object_access.ByIdentity[Place] = object_access.ByIdentity()


_NAMELESS = frozenset({"anyio", "async_timeout", "uvloop"})  # whose timeouts are the program's own
_TIMEOUTS, _TASKS = code_file(asyncio.timeouts), code_file(asyncio.tasks)


def install(module: ModuleType) -> None:
    """Patch the classes of asyncio."""
    resources.register(module.Timeout, _timeout)
    class_patches.patch_manager(module.Timeout, any_task=True, predicate=_has_an_end)
    after_init.note(module.Timeout, _measure)
    resources.register(module.TaskGroup, _task_group)
    class_patches.patch_manager(module.TaskGroup, any_task=True)
    name_timeouts(_TASKS, "wait_for", "wait_for")


def _timeout(manager: object, _: str) -> Description:
    return Description("asyncio.timeout", None, name=_length(manager))


def _has_an_end(manager: object) -> bool:
    if type(manager) is asyncio.Timeout:
        return manager._when is not None  # type: ignore[attr-defined]  # noqa: SLF001
    return object_access.attribute(manager, "_when") is not None


def _task_group(manager: object, _: str) -> Description:
    return Description(kind_name(type(manager)), None)


def _length(manager: object) -> str:
    """Return the timeout's length when it was made, "0.5 s"; "" if it has no deadline."""
    seconds = tracer.current.of(_Timeouts).lengths.get(manager)
    if seconds is None:
        seconds = _seconds_left(manager)
    return "" if seconds is None else length(seconds)


def length(seconds: float) -> str:
    """Format a timeout's length with two digits: enough to identify it, and few enough to keep resources few."""
    return "0 s" if seconds < 0.001 else f"{float(f'{seconds:.2g}'):.6g} s"


def _seconds_left(manager: object) -> float | None:
    when = object_access.attribute(manager, "_when")
    if type(when) is not float and type(when) is not int:
        return None
    loop = asyncio.get_running_loop()
    clock = object_access.of_class(type(loop), "time")
    is_asyncios = clock is asyncio.BaseEventLoop.time or object_access.module_name(type(loop)).startswith("uvloop")
    return when - loop.time() if is_asyncios else None  # a program's own clock is not called


def _measure(timeout: object, *_: object, **__: object) -> None:
    with contextlib.suppress(RuntimeError):  # no loop is running: the length is computed at the entry
        if object_access.attribute(timeout, "_when") is None:
            return
        argument = _timeout_argument(sys._getframe(after_init.MAKER))  # noqa: SLF001  # no other way to the caller
        seconds = _seconds_left(timeout) if argument is None else argument
        if seconds is not None:
            timeouts = tracer.current.of(_Timeouts)
            timeouts.lengths.put(timeout, seconds)
            timeouts.made_at.put(timeout, place())


def _timeout_argument(maker: FrameType) -> float | None:
    """Return the argument of ``asyncio.timeout()``: on a busy machine the time left is already shorter."""
    code = maker.f_code
    if code.co_name != "timeout" or code.co_filename != _TIMEOUTS:
        return None
    delay = maker.f_locals.get("delay")
    return float(delay) if type(delay) is int or type(delay) is float else None


def canceller(timeout: object) -> Canceller:
    """Describe a timeout that cancels: where the program made it or called ``wait_for``, and its length."""
    return deadline_canceller(tracer.current.of(_Timeouts).made_at.get(timeout), _length(timeout))


def deadline_canceller(place: Place | None, long: str, by: str = "timeout") -> Canceller:
    """Describe a timeout or scope whose deadline has passed, and its length; ``by``: its name if the place has none."""
    site = "" if place is None else sites.of_instruction(place.code, place.offset)
    return Canceller(0, "", f"{(place and place.by) or by} {long}".rstrip(), site)


def name_timeouts(file: str, function: str, name: str) -> None:
    """Call what this function makes, or lets others make, by this name: "wait_for", "ClientTimeout"."""
    tracer.current.of(_Timeouts).names[file, function] = name


def place() -> Place:
    """Find the place in the program that makes an object now; called by a function that ``after_init`` calls.

    The outermost function with a name for its timeouts names it, else the library that the program called.
    In a task that runs no function of the program, it is the line that made the task.
    """
    by, names = "", tracer.current.of(_Timeouts).names
    for frame in libraries.stack(sys._getframe(after_init.MAKER + 1)):  # noqa: SLF001  # no other way to the caller
        if is_own_frame(frame):
            continue
        code = frame.f_code
        origin = task_origins.of_running() if code.co_filename == frame_kinds.EVENTS else None
        if origin is not None:
            return Place(origin.code, origin.offset, by)
        name = names.get((code.co_filename, code.co_name))
        if name is not None:
            by = name
        elif not cancellation.is_library(frame):
            break
        elif (package := libraries.of_frame(frame)) and package not in _NAMELESS:
            by = f"{package} timeout"
    return Place(code, frame.f_lasti, by)
