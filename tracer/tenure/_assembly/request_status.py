"""Requests in the ledger: which records are requests, and the HTTP status of a response, known while one runs."""

from __future__ import annotations

from typing import NamedTuple, cast

from tenure._core import buffer
from tenure._core.record_layout import ACQUIRE, SITE, TASK, Listed, Record
from tenure._identify import tracer

_STATUSES = range(100, 1000)  # what the wire takes


class Answered(NamedTuple):
    """The buffer's entry: the lifecycle, by task and acquire, and the status."""

    task: int
    acquire_ns: int
    status: int


def note(record: Record, status: object) -> None:
    """Note the status of an open request. Whatever is no status is ignored."""
    if issubclass(type(status), int):  # http.HTTPStatus too
        number = int.__int__(cast("int", status))
        if number in _STATUSES:
            buffer.put(Answered(cast("int", record[TASK]), cast("int", record[ACQUIRE]), number))


def is_request(record: Listed) -> bool:
    enter, _ = tracer.current.calls.get(cast("str", record[SITE]), ("", ""))
    return enter == "request"
