"""What can go wrong in the collector.

ServerError
├── UsageError          the command cannot start as asked; one line, exit code 2
│   └── SubjectGone     a collector that is asked no longer has the subject of a diagram
├── BadParameter        a query's parameter cannot be understood; 400
├── NotFound            the subject of a diagram is not in the store; 404
├── Refused             a request is turned away with a status and a reason
└── StoreError
    ├── StoreUnusable   the place named for the store cannot hold one; at start
    ├── StoreBusy       more is waiting to be written than may wait; 503
    ├── ReadsBusy       more reads of one kind wait than may wait; 503
    ├── ReadTooLong     a read took longer than it may, and was stopped; 503
    └── StoreFailed     the store could not write or read: disk full, an I/O error; 503
"""

from __future__ import annotations


class ServerError(Exception):
    """The root of what this package raises."""


class UsageError(ServerError):
    """A command cannot do what it was asked; the text says what, with values, and the remedy."""


class SubjectGone(UsageError):
    """A collector does not have the subject of a diagram: nobody ever told it of it, or its retention deleted it."""


class BadParameter(ServerError):
    """A parameter's value is none that it can have."""

    def __init__(self, parameter: str, detail: str) -> None:
        super().__init__(detail)
        self.parameter = parameter


class NotFound(ServerError):
    """Nothing in the store has this id."""


class Refused(ServerError):
    """A request is turned away: an HTTP status, a reason for the metrics ("too_large") and a sentence for people."""

    def __init__(self, status: int, reason: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.headers = headers or {}


class StoreError(ServerError):
    """The store cannot do its work."""


class StoreUnusable(StoreError):
    """No store can be opened at this place."""


class StoreBusy(StoreError):
    """Batches come faster than they can be written."""


class ReadsBusy(StoreError):
    """Reads come faster than they can be answered."""


class ReadTooLong(StoreError):
    """A read was stopped at its time limit."""


class StoreFailed(StoreError):
    """The store's medium failed: what was asked has not been done."""
