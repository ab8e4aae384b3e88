"""What a diagram is drawn from."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tenure_server.model.records import Lifecycle, Task


class DiagramInput(msgspec.Struct, frozen=True):
    """The lifecycles of a diagram, and what explains them.

    ``lifecycles`` are in the order of their acquire; ``tasks``, by id, are their tasks and those that created them;
    ``context`` are other lifecycles of the same resources, which explain the waits. ``earlier`` is how many earlier
    lifecycles of the lens are left out, and ``internal`` how many of libraries (``Lens.internal``).
    """

    lifecycles: list[Lifecycle]
    tasks: Mapping[str, Task]
    context: list[Lifecycle]
    earlier: int
    internal: int = 0
