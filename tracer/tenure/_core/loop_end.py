"""What happens when the program's event loop has ended: the session says it, adapters announce it."""

from __future__ import annotations

from collections.abc import Callable

from tenure._core.wrapping import strip_frame

_actions: list[Callable[[], None]] = []


def on_loop_end(action: Callable[[], None]) -> None:
    """Call this whenever a loop has ended; it replaces what was said before."""
    _actions[:] = [action]


def loop_ended() -> None:
    """Announce it, on the thread of the loop. What the action raises passes through, without this frame."""
    try:
        for action in _actions:
            action()
    except BaseException as error:
        strip_frame(error, loop_ended.__code__)
        raise
