"""What is kept of an exception: its type's name and its message, never the object."""

from __future__ import annotations

from asyncio import CancelledError
from typing import NamedTuple

from tenure.wire import CANCELLED, ERROR

MAX_MESSAGE = 500  # characters


class Failure(NamedTuple):
    """How a phase or a task failed."""

    outcome: int  # wire.ERROR or wire.CANCELLED
    type: str  # qualified, builtins without their module
    message: str  # not scrubbed yet: that is done when a batch is made
    identity: int  # id() of the exception: means something only while the exception is on its way


def failure_of(error: BaseException) -> Failure:
    """The failure that this exception tells; it may have a __str__ that fails itself."""
    outcome = CANCELLED if isinstance(error, CancelledError | GeneratorExit) else ERROR
    try:
        message = str(error)
    except Exception as fault:  # noqa: BLE001  # the program's own __str__ may do anything
        message = f"<{type(fault).__name__} in __str__>"
    return Failure(outcome, type_name(type(error)), message[:MAX_MESSAGE], id(error))


def type_name(kind: type) -> str:
    """A type's qualified name, builtins without their module: "ValueError", "asyncio.locks.Lock"."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
