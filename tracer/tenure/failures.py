"""What is kept of an exception: its type's name and its message, never the object."""

from __future__ import annotations

from asyncio import CancelledError
from typing import NamedTuple

from tenure.wire import CANCELLED, ERROR

MAX_MESSAGE = 10_000  # characters that are kept until it is scrubbed; it is cut to its length on the wire afterwards


class Canceller(NamedTuple):
    """Who asked for a cancellation."""

    task: int  # id of the task that did, or for whose failure a task group did; 0: none
    name: str  # of that task, which may be forgotten before this is shipped
    via: str  # on whose behalf: "TaskGroup", "timeout 0.5 s", "end of asyncio.run", "SIGINT"; "": its own
    site: str  # key of where, "" where unknown


class Failure(NamedTuple):
    """How a phase or a task failed."""

    outcome: int  # wire.ERROR or wire.CANCELLED
    type: str  # qualified, builtins without their module
    message: str  # not scrubbed yet: that is done when a batch is made
    identity: int  # id() of the exception: means something only while the exception is on its way
    canceller: Canceller | None = None


def failure_of(error: BaseException, canceller: Canceller | None = None) -> Failure:
    """The failure that this exception tells; it may have a __str__ that fails itself."""
    outcome = CANCELLED if isinstance(error, CancelledError | GeneratorExit) else ERROR
    try:
        message = str(error)
    except Exception as fault:  # noqa: BLE001  # the program's own __str__ may do anything
        message = f"<{type(fault).__name__} in __str__>"
    return Failure(outcome, type_name(type(error)), message[:MAX_MESSAGE], id(error), canceller)


def type_name(kind: type) -> str:
    """A type's qualified name, builtins without their module: "ValueError", "asyncio.locks.Lock"."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
