"""What a diagram is drawn from."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tenure_server.model.records import Lifecycle, Process, Resource, Task, Trace


class OpenCounts(msgspec.Struct, frozen=True):
    """The open lifecycles of a lens, in living processes.

    ``held`` counts those that hold their resource or release it, ``waiting`` those that still acquire it, and ``drawn``
    those of both that the diagram shows.
    """

    held: int = 0
    waiting: int = 0
    drawn: int = 0


class DiagramInput(msgspec.Struct, frozen=True):
    """The lifecycles of a diagram, and what explains them.

    ``lifecycles`` are in the order of their acquire; ``tasks``, by id, are their tasks and those that created them;
    ``context`` are other lifecycles of the same resources, which explain the waits. ``earlier`` is how many earlier
    lifecycles of the lens are left out, and ``internal`` how many of libraries (``Lens.internal``). ``processes``, by
    id, are those of the lifecycles. ``open`` counts what is open, drawn or not.
    """

    lifecycles: list[Lifecycle]
    tasks: Mapping[str, Task]
    context: list[Lifecycle]
    earlier: int
    processes: Mapping[str, Process] = {}
    open: OpenCounts = OpenCounts()
    internal: int = 0


class LiveInput(msgspec.Struct, frozen=True):
    """What a live page shows, read in one state of the store. ``now_ns`` is the time of it, by the collector's clock.

    ``processes`` and ``traces`` are the newest, ``resources`` those in use and then those used last; the trace or the
    resource that is the lens's subject is always among them. ``in_use`` counts all resources that are held or waited
    for.
    """

    now_ns: int
    diagram: DiagramInput
    processes: list[Process]
    traces: list[Trace]
    resources: list[Resource]
    in_use: int
