"""The sites of entries and acquires that no rewritten code records, by the instruction of their caller.

Finding the site walks the stack. Nearly everywhere it depends only on the calling instruction, so it is cached by code
object and offset. The code object is kept with its site, so that no other one gets its address.
"""

from __future__ import annotations

from types import CodeType, FrameType

from tenure._core import probe_backend
from tenure._identify import tracer

BY_ASYNC_WITH, BY_WITH, BY_CALL = range(3)  # as in tracer/native/identify/call_sites.h
_MANNERS = 4
_MOST = 4096  # sites

_is_paused = [False]

if probe_backend.SERVES:
    from tenure import _probe


def known(frame: FrameType, manner: int) -> str:
    """The site of what this frame enters now, "" where it was not found yet."""
    entry = tracer.current.call_sites.get((id(frame.f_code), frame.f_lasti * _MANNERS + manner))
    return "" if entry is None else entry[0]


def keep(frame: FrameType, manner: int, site: str) -> None:
    """Know the site again: this frame's instruction alone decides which it is."""
    if _is_paused[0]:
        return
    code: CodeType = frame.f_code
    if probe_backend.SERVES:
        _probe.site_known(code, frame.f_lasti, manner, site)
        return
    sites = tracer.current.call_sites
    if len(sites) >= _MOST:
        sites.clear()
    sites[id(code), frame.f_lasti * _MANNERS + manner] = site, code


def clear() -> None:
    """Find every site again: what is a library may have changed."""
    tracer.current.call_sites.clear()
    if probe_backend.SERVES:
        _probe.forget_sites()


def pause(*, paused: bool) -> None:
    """Know no site, so that every entry goes through ``tenure._probe_api.enter``; or know sites again."""
    clear()
    _is_paused[0] = paused
