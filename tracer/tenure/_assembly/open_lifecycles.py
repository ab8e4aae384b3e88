"""What the ledger keeps of lifecycles that are open, or that living tasks were created in."""

from __future__ import annotations

from typing import cast

from tenure._assembly.request_rename import Renamed
from tenure._assembly.request_status import Answered
from tenure._assembly.snapshot import Snapshot
from tenure._core.record_layout import ACQUIRED, RELEASED, Listed
from tenure._identify import otel_context

LONG_HELD_NS = 60_000_000_000
_SHIPPED_BEFORE = -1  # in no phase: it was renamed or answered since


class Trace:
    """A root and all below it."""

    __slots__ = ("flushes_left", "link", "root", "span")

    def __init__(self, root: int, link: int, span: otel_context.SpanIds | None, flushes_left: int) -> None:
        self.root = root
        self.link = link
        self.span = span  # what the root hangs under
        self.flushes_left = flushes_left  # flushes left in which a span may still come


class Lifecycle:
    """A lifecycle that is open, or that a living task was created in."""

    __slots__ = (
        "copy",
        "id",
        "is_internal",
        "own",
        "parent",
        "record",
        "renamed",
        "shipped",
        "status",
        "trace",
        "was_closed",
    )

    def __init__(self, number: int, record: Listed, parent: int, trace: Trace) -> None:
        self.id = number
        self.record = record
        self.parent = parent
        self.trace = trace
        self.shipped: int | None = None  # the phase of the snapshot that was shipped last
        self.renamed: Renamed | None = None
        self.status = 0  # HTTP
        self.was_closed = False  # at the batch before; see ``split_holds.may_be_split``
        self.copy: Snapshot | None = None  # of the record, if it is not to be read again for this flush
        self.is_internal = False
        self.own: Lifecycle | None = None  # around an internal one: the innermost that is the program's own

    def enclose(self, around: Lifecycle | None) -> None:
        """Make it an internal one, within this one."""
        self.is_internal = True
        self.own = around.own if around is not None and around.is_internal else around

    def note(self, fact: Renamed | Answered) -> None:
        if isinstance(fact, Answered):
            self.status = fact.status
        else:
            self.renamed = fact
        if self.shipped is not None:
            self.shipped = _SHIPPED_BEFORE

    def snapshot(self) -> Snapshot:
        snapshot, new = self.copy or Snapshot.of(self.record), self.renamed
        self.copy = None
        return snapshot if new is None else snapshot._replace(site=new.site, resource=new.resource)

    def released_before(self, instant: int) -> bool:
        released = cast("int", self.record[RELEASED])
        return released != 0 and released <= instant

    def is_long_held(self, instant: int) -> bool:
        acquired = cast("int", self.record[ACQUIRED])
        return acquired != 0 and instant - acquired > LONG_HELD_NS
