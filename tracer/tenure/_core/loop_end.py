"""An action at the end of the program's event loop: the session sets it, adapters announce the end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import TypeGuard

from tenure._core import faults
from tenure._core.paths import PACKAGE_DIR, code_file

SHIPPING = "shipping what was recorded before the program's end"  # the place that a fault names
_actions: list[Callable[[], None]] = []


def on_loop_end(action: Callable[[], None]) -> None:
    """Call this whenever a loop has ended, in place of the action before."""
    _actions[:] = [action]


def loop_ended() -> None:
    """Announce the end, on the thread of the loop. What a signal's handler raises meanwhile passes through."""
    try:
        for action in _actions:
            action()
    except BaseException as error:
        if not is_own(error):
            raise
        faults.fault(SHIPPING, error)


def is_own(error: BaseException) -> TypeGuard[Exception]:
    """Whether Tenure itself raised it. Tenure's frames at the head of any other traceback are taken off."""
    error.__traceback__ = _of_the_program(error.__traceback__)
    return error.__traceback__ is None and isinstance(error, Exception)


def _of_the_program(traceback: TracebackType | None) -> TracebackType | None:
    own = PACKAGE_DIR, code_file(threading)
    while traceback is not None and traceback.tb_frame.f_code.co_filename.startswith(own):
        traceback = traceback.tb_next
    return traceback
