"""Counts lifecycles that could not be delivered: each sink counts its own, and the process reports all at its end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tenure import wire

_BUFFER_FULL = "the buffer was full (the program enters managers faster than Tenure can ship them)"


class Loss(NamedTuple):
    """A number of lost lifecycles, and the reason: the end of the sentence "5 lifecycles were lost: ..."."""

    lifecycles: int
    why: str


class BatchContent(NamedTuple):
    """The lifecycles of one batch."""

    closed: int  # number of closed lifecycles
    resent: frozenset[int]  # ids of those that were sent before, while they were open
    opened: frozenset[int]  # ids of open lifecycles


class Undelivered:
    """Counts what one sink lost, by reason.

    A lifecycle counts once: when the batch that closes it is lost, or at the end, if it never closed and no snapshot of
    it was delivered.
    """

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._delivered: set[int] = set()  # open lifecycles with a delivered snapshot
        self._unknown: set[int] = set()  # open lifecycles of which every snapshot was lost so far

    def lose(self, reason: str, content: BatchContent) -> None:
        """Count a batch that will never be delivered."""
        if content.closed:
            self.counts[reason] = self.counts.get(reason, 0) + content.closed
        self._unknown = (self._unknown - content.resent) | (content.opened - self._delivered)
        self._delivered -= content.resent

    def deliver(self, content: BatchContent) -> None:
        """Note that a batch was acknowledged."""
        if content.opened or content.resent:
            self._unknown -= content.opened | content.resent
            self._delivered = (self._delivered - content.resent) | content.opened

    def lost_with(self, contents: Iterable[BatchContent] = ()) -> int:
        """Count the further lifecycles that are lost if these batches are never delivered and no other batch comes."""
        closed, unknown = 0, set(self._unknown)
        for content in contents:
            closed += content.closed
            unknown = (unknown - content.resent) | (content.opened - self._delivered)
        return closed + len(unknown)


class BrokenSink(NamedTuple):
    """A sink that ended with an OSError, and the lifecycles that it did not get."""

    why: str
    undelivered: Undelivered

    def lost(self) -> Loss:
        """What it did not get."""
        return Loss(sum(self.undelivered.counts.values()) + self.undelivered.lost_with(), self.why)


def content_of(batch: wire.Batch) -> BatchContent:
    """List the lifecycles in a batch."""
    from tenure.wire import NOT_REACHED, RESENT  # noqa: PLC0415  # see ``late_imports``

    opened = [row.id for row in batch.rows if row.release_ns == NOT_REACHED]
    resent = [row.id for row in batch.rows if row.outcomes & RESENT and row.release_ns != NOT_REACHED]
    return BatchContent(len(batch.rows) - len(opened), frozenset(resent), frozenset(opened))


def from_buffer(dropped: Mapping[str, int]) -> list[Loss]:
    """Return the losses before any sink. Faults in Tenure are not lifecycles; they are logged when they happen."""
    return [Loss(dropped.get("buffer full", 0), _BUFFER_FULL)]


def summary_line(losses: Iterable[Loss]) -> str:
    """Join all losses in one line; "" if there are none."""
    return "; ".join(
        f"{count} {'lifecycle was' if count == 1 else 'lifecycles were'} lost: {why}" for count, why in losses if count
    )
