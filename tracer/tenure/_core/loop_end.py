"""What happens when the program's event loop has ended: the session says it, adapters announce it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import TypeGuard

from tenure._core import faults
from tenure._core.paths import PACKAGE_DIR

SHIPPING = "shipping what was recorded before the program's end"  # said where it fails
_actions: list[Callable[[], None]] = []


def on_loop_end(action: Callable[[], None]) -> None:
    """Call this whenever a loop has ended; it replaces what was said before."""
    _actions[:] = [action]


def loop_ended() -> None:
    """Announce it, on the thread of the loop. What a signal's handler raises meanwhile passes through."""
    try:
        for action in _actions:
            action()
    except BaseException as error:
        if not is_own(error):
            raise
        faults.fault(SHIPPING, error)


def is_own(error: BaseException) -> TypeGuard[Exception]:
    """Whether it comes from Tenure itself; our frames at the head of the traceback of any other are taken off it."""
    error.__traceback__ = _of_the_program(error.__traceback__)
    return error.__traceback__ is None and isinstance(error, Exception)


def _of_the_program(traceback: TracebackType | None) -> TracebackType | None:
    ours = PACKAGE_DIR, threading.__file__
    while traceback is not None and traceback.tb_frame.f_code.co_filename.startswith(ours):
        traceback = traceback.tb_next
    return traceback
