"""What a diagram is drawn from."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tenure_server.model.records import Lifecycle, Task


class DiagramInput(msgspec.Struct, frozen=True):
    """What a diagram is drawn from.

    ``lifecycles`` are in the order of their acquire; ``tasks``, by id, are theirs and those that created them;
    ``context`` are others of the same resources that name what a wait waited for; ``earlier`` lifecycles of the lens
    came before and are left out.
    """

    lifecycles: list[Lifecycle]
    tasks: Mapping[str, Task]
    context: list[Lifecycle]
    earlier: int
