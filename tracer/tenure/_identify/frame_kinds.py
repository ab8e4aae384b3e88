"""What kind of code a frame runs, looked up once for each code object."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Iterator
from types import FrameType

from tenure._core.paths import ASYNCIO_DIR, PACKAGE_DIR, code_file
from tenure._identify import libraries, tracer
from tenure._identify.installed_code import FrameKind

EVENTS = code_file(asyncio.events)  # its frame runs the step of a task
_RUNNERS = code_file(asyncio.runners)  # its frame runs the loop
_CONTEXTLIB = code_file(contextlib)
_MOST = 8192  # code objects


def of(frame: FrameType) -> FrameKind:
    """The kind of the code that this frame runs."""
    kind = tracer.current.frame_kinds.get(id(frame.f_code))
    if kind is not None and kind.module is frame.f_globals.get("__name__"):
        return kind
    return _keep(frame)


def stack(frame: FrameType | None) -> Iterator[tuple[FrameType, FrameKind]]:
    """A frame and its callers with their kinds, as ``libraries.stack``: without those of wrappers."""
    kinds, greenlet, may_switch = tracer.current.frame_kinds, None, "greenlet" in sys.modules
    while frame is not None:
        kind = kinds.get(id(frame.f_code))
        if kind is None or kind.module is not frame.f_globals.get("__name__"):
            kind = _keep(frame)
        if not kind.is_wrapper:
            yield frame, kind
        caller = frame.f_back
        if caller is None and may_switch:
            greenlet = (greenlet or sys.modules["greenlet"].getcurrent()).parent
            caller = greenlet.gr_frame if greenlet is not None else None
        frame = caller


def _keep(frame: FrameType) -> FrameKind:
    code, file, kinds = frame.f_code, frame.f_code.co_filename, tracer.current.frame_kinds
    package, is_wrapper = libraries.of_frame(frame), libraries.is_wrapper(frame)
    if len(kinds) >= _MOST:
        kinds.clear()
    kind = kinds[id(code)] = FrameKind(
        code,
        frame.f_globals.get("__name__"),
        package,
        is_wrapper,
        is_wrapper or file == _CONTEXTLIB or file.startswith((PACKAGE_DIR, ASYNCIO_DIR)),
        file == EVENTS or libraries.is_runner(frame, package),
        libraries.is_installed(frame),
        file == _RUNNERS,
    )
    return kind
