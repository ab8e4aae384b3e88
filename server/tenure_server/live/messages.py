"""The words of /api/live. The dashboard's TypeScript types are generated from these structs."""

from __future__ import annotations

import msgspec

from tenure_server.diagram.steps import Operation, Step
from tenure_server.export.status import Exporter
from tenure_server.model.lens import Lens
from tenure_server.model.records import Process, Resource, Trace

MAX_LIMIT = 20_000


class Subscribe(msgspec.Struct, frozen=True, tag="subscribe", tag_field="type"):
    """Client: show me this from now on. It replaces the connection's earlier subscription.

    ``limit`` is how many lifecycles the page may hold, the newest (at most MAX_LIMIT); as it goes on, the picture may
    grow to twice as many before its older part is removed. ``resume`` is the token of the last page or operations that
    the client has: where nothing has happened since, ``Current`` answers it, else a page.
    """

    lens: Lens
    limit: int = 500
    resume: str | None = None


class Page(msgspec.Struct, frozen=True, tag="page", tag_field="type"):
    """Server: the whole picture as it stands. ``lens`` says of which subscription."""

    token: str
    lens: Lens
    now_ns: int
    steps: list[Step]
    earlier: int  # lifecycles of the lens that came before and are left out


class Operations(msgspec.Struct, frozen=True, tag="operations", tag_field="type"):
    """Server: what changed since the token before."""

    token: str
    now_ns: int
    operations: list[Operation]
    earlier: int = 0  # as in Page, by now


class Current(msgspec.Struct, frozen=True, tag="current", tag_field="type"):
    """Server: what the client has is the picture as it stands."""

    token: str
    now_ns: int


class Gap(msgspec.Struct, frozen=True, tag="gap", tag_field="type"):
    """Server: this client was too slow, ``missed`` frames were left out. A page follows."""

    missed: int


class Overview(msgspec.Struct, frozen=True, tag="overview", tag_field="type"):
    """Server: processes, recent traces (newest first), resources in use or lately used, and how far each exporter is.

    It comes at most twice a second.
    """

    now_ns: int
    processes: list[Process]
    traces: list[Trace]
    resources: list[Resource]
    exporters: list[Exporter] = []


class Problem(msgspec.Struct, frozen=True, tag="problem", tag_field="type"):
    """Server: the last message could not be followed, and why."""

    detail: str


ClientMessage = Subscribe
ServerMessage = Page | Operations | Current | Gap | Overview | Problem
