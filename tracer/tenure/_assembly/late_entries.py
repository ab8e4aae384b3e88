"""What the program put into the buffer while a flush was made, with the Python probe.

The native probe copies all records in one drain. The Python probe's records are the lists that the program writes: one
that a drain took may be closed by the time that its row is made, and what was entered within it meanwhile is in no
drain yet. Shipped now, it would be gone before its child has come. So the records are copied first and the buffer is
drained once more: what is closed in its copy and has a child there waits for the next flush.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from tenure._assembly.open_lifecycles import Lifecycle
from tenure._assembly.snapshot import Snapshot

Drain = Callable[[], Iterable[object]]


def ready_without(
    changed: list[Lifecycle], opened: Mapping[int, Lifecycle], add_late: Callable[[], None]
) -> list[Lifecycle]:
    """Those of ``changed`` that can be shipped, each with its copy.

    ``opened`` are the open ones by number; ``add_late()`` adds what another drain takes to them.
    """
    for lifecycle in changed:
        lifecycle.copy = Snapshot.of(lifecycle.record)
    known = set(opened)
    add_late()
    around: set[int] = set()
    for number in opened.keys() - known:
        outer = opened.get(opened[number].parent)
        while outer is not None and outer.id not in around:
            around.add(outer.id)
            outer = opened.get(outer.parent)
    waiting = [it for it in changed if it.id in around and it.copy is not None and it.copy.released]
    for lifecycle in waiting:
        lifecycle.copy = None
    return [lifecycle for lifecycle in changed if lifecycle not in waiting] if waiting else changed
