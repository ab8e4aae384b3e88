"""An exception as a failure: its type's name and its message, never the object."""

from __future__ import annotations

from asyncio import CancelledError
from typing import NamedTuple

from tenure._core.object_access import type_name
from tenure._identify.exception_groups import with_contents
from tenure._identify.exception_messages import message_of
from tenure.wire_constants import CANCELLED, ERROR

__all__ = ["MAX_MESSAGE", "Canceller", "Failure", "failure_of", "type_name"]

MAX_MESSAGE = 10_000  # characters that are kept until it is scrubbed; it is cut to its length on the wire afterwards
_CANCELS = CancelledError, GeneratorExit
_TRIO_CANCELS = "trio.Cancelled"  # final, and its module is not to be imported


class Canceller(NamedTuple):
    """Who requested a cancellation."""

    task: int  # id of the task that did, or whose failure made a task group do it; 0: none
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
    """The failure of this exception. None of its methods is called (``tenure._identify.exception_messages``)."""
    kind = type(error)
    name = type_name(kind)
    outcome = CANCELLED if issubclass(kind, _CANCELS) or name == _TRIO_CANCELS else ERROR
    message = with_contents(error, message_of(error))[:MAX_MESSAGE]
    return Failure(outcome, name, message, id(error), canceller)
