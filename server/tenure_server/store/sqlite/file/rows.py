"""A row of ``lifecycles`` as a record, and the values that SQLite takes.

``LifecycleRow`` is the one place where the columns stand in their order: the schema, the queries and the inserts follow
it. Durations are as on the wire; None: the phase was not reached.

The writer makes a hundred thousand rows a second. There a row is a plain tuple of the same types, ``LifecycleValues``,
without the last two columns: few rows have them, and they stand beside (``RareValues``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

Value: TypeAlias = int | float | str | bytes | bytearray | None
Values: TypeAlias = Sequence[Value]


class LifecycleRow(NamedTuple):
    """One row of the table.

    ``key``, ``trace``, ``task`` and ``resource`` are keys (see ``keys``), ``parent`` is a number within the process,
    ``site`` and the exceptions are rows of their tables, ``status`` is that of HTTP, ``released_by`` is the key of the
    task that released, where that is another one. Of ``parent``, the exceptions, ``status`` and ``released_by``, 0
    means none, as None does.
    """

    key: int
    parent: int | None
    trace: int
    task: int
    resource: int
    site: int
    acquire_ns: int
    wait_ns: int | None
    hold_ns: int | None
    release_ns: int | None
    outcomes: int
    body_exception: int | None
    exception: int | None
    status: int | None
    released_by: int | None

    @property
    def is_closed(self) -> bool:
        return self.release_ns is not None

    @property
    def acquired_ns(self) -> int:
        """When it was acquired; the begin of the acquire for one that was not acquired."""
        return self.acquire_ns + (self.wait_ns or 0)

    @property
    def latest_ns(self) -> int:
        """The latest instant that the row has."""
        return self.acquired_ns + (self.hold_ns or 0) + (self.release_ns or 0)

    @property
    def progress(self) -> int:
        """How far the lifecycle has come: a later phase has a greater number."""
        return (self.wait_ns is not None) + 2 * (self.hold_ns is not None) + 4 * (self.release_ns is not None)

    def has_news(self, before: LifecycleRow) -> bool:
        """Whether it has the phase of ``before``, an open one, and another resource, site, status or releasing task."""
        is_same_phase = (self.wait_ns, self.hold_ns, self.release_ns) == (
            before.wait_ns,
            before.hold_ns,
            before.release_ns,
        )
        return not before.is_closed and is_same_phase and self._facts != before._facts

    @property
    def _facts(self) -> tuple[int, int, int, int]:
        return self.resource, self.site, self.status or 0, self.released_by or 0


LifecycleValues: TypeAlias = tuple[
    int, int | None, int, int, int, int, int, int | None, int | None, int | None, int, int | None, int | None
]

RareValues: TypeAlias = tuple[int, int]  # status and released_by

LIFECYCLE_COLUMNS = ", ".join(LifecycleRow._fields)
LIFECYCLE_COLUMNS_WITHOUT_RARE = ", ".join(LifecycleRow._fields[:-2])
NO_RARE_VALUES: RareValues = 0, 0
# Bits of ``outcomes`` beside those of the wire, which uses the first one otherwise.
INTERNAL = 1 << 7  # a library or framework entered it for its own ends
PROPAGATED = 1 << 8  # the body's exception had left an inner lifecycle of the trace, where it counts
OUTCOME_BITS = 9
