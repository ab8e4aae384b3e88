"""The sites of entries and acquires that no rewritten code records: what was found out for a caller's instruction.

Finding out takes a walk over the frames. Where the caller's own code decides, which is nearly everywhere, the same
instruction has the same site ever after, and whoever comes there again is told at once. A code object is kept with its
site, so that its address stays its own.
"""

from __future__ import annotations

from types import CodeType, FrameType

from tenure._core import probe_backend

BY_ASYNC_WITH, BY_WITH, BY_CALL = range(3)  # as in tracer/native/identify/call_sites.h
_HOWS = 4
_MOST = 4096  # sites

_is_paused = [False]
_sites: dict[tuple[int, int], tuple[str, CodeType]] = {}

if probe_backend.SERVES:
    from tenure import _probe


def known(frame: FrameType, how: int) -> str:
    """The site of what this frame enters now, "" where it was not found yet."""
    found = _sites.get((id(frame.f_code), frame.f_lasti * _HOWS + how))
    return "" if found is None else found[0]


def keep(frame: FrameType, how: int, site: str) -> None:
    """Know the site again: this frame's instruction alone decides which it is."""
    if _is_paused[0]:
        return
    code = frame.f_code
    if probe_backend.SERVES:
        _probe.site_known(code, frame.f_lasti, how, site)
        return
    if len(_sites) >= _MOST:
        _sites.clear()
    _sites[id(code), frame.f_lasti * _HOWS + how] = site, code


def forget_all() -> None:
    """Find out everything anew: what is a library may have changed."""
    _sites.clear()
    if probe_backend.SERVES:
        _probe.forget_sites()


def pause(*, paused: bool) -> None:
    """Know no site, so that every entry goes through ``tenure._probe_api.enter``; or know sites again."""
    forget_all()
    _is_paused[0] = paused
