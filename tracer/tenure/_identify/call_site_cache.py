"""The sites of entries and acquires that no rewritten code records, by the instruction of their caller.

Finding the site walks the stack. Nearly everywhere it depends only on the calling instruction, so it is cached by code
object and offset. The code object is kept with its site, so that no other one gets its address. In installed code it
depends on the manager's type too: a lock is the library's own affair, and a connection its caller's.
"""

from __future__ import annotations

from types import FrameType

from tenure._core import probe_backend
from tenure._core.object_access import module_name
from tenure._identify import tracer

BY_ASYNC_WITH, BY_WITH, BY_CALL = range(3)  # as in tracer/native/identify/call_sites.h
_MANNERS = 4
_MOST = 4096  # sites

_is_paused = [False]

if probe_backend.SERVES:
    from tenure import _probe


def known(frame: FrameType, manner: int, kind: type) -> str:
    """The site of what this frame enters now, a manager of this type; "" where it was not found yet."""
    sites, place = tracer.current.call_sites, frame.f_lasti * _MANNERS + manner
    code = id(frame.f_code)
    entry = sites.get((code, place, 0)) or sites.get((code, place, id(kind)))
    return "" if entry is None else entry[0]


def keep(frame: FrameType, manner: int, site: str) -> None:
    """Know the site again: this frame's instruction alone decides which it is."""
    if _is_paused[0]:
        return
    if probe_backend.SERVES:
        _probe.site_known(frame.f_code, frame.f_lasti, manner, site)
    else:
        _keep(frame, manner, site, 0)


def keep_internal(frame: FrameType, manner: int, site: str, kind: type) -> None:
    """Know the site again where installed code enters a manager of this type for its own ends.

    The type must be a patched one, for those live as long. Of contextlib's it is the function that decides.
    """
    if _is_paused[0] or id(kind) not in tracer.current.types.patched or module_name(kind) == "contextlib":
        return
    if probe_backend.SERVES:
        _probe.site_known(frame.f_code, frame.f_lasti, manner, site, kind)
    else:
        _keep(frame, manner, site, id(kind))


def _keep(frame: FrameType, manner: int, site: str, kind: int) -> None:
    sites, code = tracer.current.call_sites, frame.f_code
    if len(sites) >= _MOST:
        sites.clear()
    sites[id(code), frame.f_lasti * _MANNERS + manner, kind] = site, code


def clear() -> None:
    """Find every site again: what is a library may have changed."""
    tracer.current.call_sites.clear()
    tracer.current.frame_kinds.clear()
    if probe_backend.SERVES:
        _probe.forget_sites()


def pause(*, paused: bool) -> None:
    """Know no site, so that every entry goes through ``tenure._probe_api.enter``; or know sites again."""
    clear()
    _is_paused[0] = paused
