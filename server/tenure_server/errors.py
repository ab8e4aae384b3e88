"""What can go wrong in the collector.

ServerError
├── UsageError          the command cannot do what its arguments say; one line, exit code 2
│   └── SubjectGone     a collector does not have the subject of a diagram any more
├── BadParameter        a parameter of a query is invalid; 400
├── NotFound            the subject of a diagram is not in the store; 404
├── RequestRefused      a request is refused, with a status and a reason
└── StoreError
    ├── StoreUnusable   the store cannot be opened at its path; at start
    ├── StoreBusy       too many batches wait to be written; 503
    ├── ReadsBusy       too many reads of one kind wait; 503
    ├── ReadTooLong     a read reached its time limit and was stopped; 503
    └── StoreFailed     the store could not write or read: disk full, an I/O error; 503
"""

from __future__ import annotations


class ServerError(Exception):
    """The root of what this package raises."""


class UsageError(ServerError):
    """A command cannot do what its arguments say. The text says why, with the values, and then the remedy."""


class SubjectGone(UsageError):
    """A collector does not have the subject of a diagram: it never had it, or the retention deleted it."""


class BadParameter(ServerError):
    """The value of a parameter is invalid."""

    def __init__(self, parameter: str, detail: str) -> None:
        super().__init__(detail)
        self.parameter = parameter


class NotFound(ServerError):
    """Nothing in the store has this id."""


class RequestRefused(ServerError):
    """A request is refused: an HTTP status, a reason for the metrics ("too_large") and a sentence for people."""

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
    """Batches arrive faster than they can be written."""


class ReadsBusy(StoreError):
    """Reads arrive faster than they can be answered."""


class ReadTooLong(StoreError):
    """A read was stopped at its time limit."""


class StoreFailed(StoreError):
    """The medium of the store failed: the write or the read was not done."""
