"""The messages of /api/live. The dashboard's TypeScript types are generated from these structs.

``now_ns``, like every time here, is in ns since the Unix epoch.
"""

from __future__ import annotations

import msgspec

from tenure_server.diagram.steps import Operation, Step
from tenure_server.export.status import Exporter
from tenure_server.model.diagram_input import OpenCounts
from tenure_server.model.lens import Lens
from tenure_server.model.records import Process, Resource, Trace

MAX_LIMIT = 20_000


class Subscribe(msgspec.Struct, frozen=True, tag="subscribe", tag_field="type"):
    """Client: show this lens from now on. It replaces the connection's earlier subscription.

    ``limit`` (1 to MAX_LIMIT) is the number of lifecycles in a page, the newest ones. The diagram then grows to twice
    that number before its older part is removed. ``resume`` is the token of the client's last page or operations; if
    nothing has changed since then, the answer is ``Current``, else a page.
    """

    lens: Lens
    limit: int = 500
    resume: str | None = None


class Page(msgspec.Struct, frozen=True, tag="page", tag_field="type"):
    """Server: the whole diagram. ``lens`` is that of the subscription; ``token`` is for ``Subscribe.resume``."""

    token: str
    lens: Lens
    now_ns: int
    steps: list[Step]
    earlier: int  # number of older lifecycles of the lens that are left out
    open: OpenCounts  # of the lens
    internal: int = 0  # number of lifecycles of libraries that the lens leaves out


class Operations(msgspec.Struct, frozen=True, tag="operations", tag_field="type"):
    """Server: the changes since the last page or operations, to be applied in order."""

    token: str
    now_ns: int
    operations: list[Operation]
    earlier: int = 0  # as in Page
    open: OpenCounts = OpenCounts()  # as in Page
    internal: int = 0  # as in Page


class Current(msgspec.Struct, frozen=True, tag="current", tag_field="type"):
    """Server: the client's diagram is up to date."""

    token: str
    now_ns: int


class Gap(msgspec.Struct, frozen=True, tag="gap", tag_field="type"):
    """Server: the client was too slow, and ``missed`` messages were not sent. A page follows."""

    missed: int


class Overview(msgspec.Struct, frozen=True, tag="overview", tag_field="type"):
    """Server: processes, recent traces (newest first), resources in use or lately used, exporters.

    ``in_use`` counts all resources that are held or waited for, listed or not; null: not counted.

    ``with_diagram``: it is of the same state of the store as the Page, Operations or Current that follows, and is shown
    together with it. Without a subscription it is sent when it has changed, at most twice a second.
    """

    now_ns: int
    processes: list[Process]
    traces: list[Trace]
    resources: list[Resource]
    exporters: list[Exporter] = []
    with_diagram: bool = False
    in_use: int | None = None


class Problem(msgspec.Struct, frozen=True, tag="problem", tag_field="type"):
    """Server: why the last subscription failed, or why the diagram cannot be drawn now."""

    detail: str


ClientMessage = Subscribe
ServerMessage = Page | Operations | Current | Gap | Overview | Problem

WireMessage = str  # a message as it goes over the WebSocket


def encode(message: ServerMessage) -> WireMessage:
    return msgspec.json.encode(message).decode()
