"""A client that works again after its close: from the first call that opens it again it is held once more.

The calls are patched when the first such object is closed, so that a program which reuses none pays for no call.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from types import FrameType

from tenure._core.object_access import ByIdentity
from tenure._identify import tracer
from tenure._patching import class_patches
from tenure.adapters._kit import acquire_release, before_call

Token = Callable[[object], object]
Reopened = Callable[[object, FrameType], None]  # with the frame of the call, behind overrides of its method

_CALLING = "finding out whether a closed client is used again"  # said where it fails
_CALLER = 3  # frames: reopen, begin, the wrapper


class _Closed:
    """What was closed and may be used again."""

    def __init__(self) -> None:
        self.tokens: ByIdentity[bool] = ByIdentity()
        self.patched: set[int] = set()  # addresses of classes


def note_closed(closed: object, kind: type, calls: Iterable[str], token: Token, reopened: Reopened) -> None:
    """Let the first of these calls open it again; a name that the class does not have is passed over."""
    state = tracer.current.of(_Closed)
    state.tokens.put(token(closed), True)
    if id(kind) in state.patched:
        return
    state.patched.add(id(kind))
    for name in calls:
        original = getattr(kind, name, None)
        if callable(original) and not class_patches.is_ours(original):
            wrapper = before_call.looking(original, _reopening(name, token, reopened), _CALLING)
            class_patches.replace(kind, name, wrapper)


def forget(token: object) -> None:
    """It is open again: a statement enters it."""
    tracer.current.of(_Closed).tokens.pop(token)


def _reopening(name: str, token: Token, reopened: Reopened) -> Callable[..., None]:
    def reopen(*arguments: object, **_: object) -> None:
        closed = tracer.current.of(_Closed).tokens
        if closed and arguments and closed.pop(token(arguments[0])):
            frame = sys._getframe(_CALLER)  # noqa: SLF001  # there is no other way to the caller
            reopened(arguments[0], acquire_release.overriding(frame, arguments[0], name))

    return reopen
