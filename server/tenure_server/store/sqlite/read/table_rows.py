"""Rows of the tables beside ``lifecycles``, as the queries of ``row_decoder`` read them."""

from __future__ import annotations

from typing import Literal, NamedTuple


class TaskHome(NamedTuple):
    """The event loop and the thread of a task; null: not known."""

    loop: int | None
    thread: str | None


class TaskNameRow(NamedTuple):
    key: int
    name: str
    loop: int
    thread: str


class ResourceRow(NamedTuple):
    key: int
    kind: str
    name: str
    capacity: int | None
    stereotype: str


class SiteRow(NamedTuple):
    site: int
    file: str
    line: int
    function: str
    expression: str
    enter: str
    exit: str


class ExceptionRow(NamedTuple):
    exception: int
    type: str
    message: str
    cancelled: int
    canceller: int
    via: str
    cancelled_at: int


class TraceRow(NamedTuple):
    key: int
    otel_id: bytes


class TaskRow(NamedTuple):
    key: int
    name: str
    coroutine: str
    kind: Literal["task", "thread"]
    parent: int | None
    created_in: int | None
    created_ns: int | None
    finished_ns: int | None
    outcome: int
    exception: int | None
