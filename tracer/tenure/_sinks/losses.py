"""What could not be delivered: each sink counts its own, and the process says all of it in one line at its end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tenure import wire

_BUFFER_FULL = "the buffer was full (the program enters managers faster than Tenure can ship them)"


class Loss(NamedTuple):
    """So many lifecycles, and the end of the sentence "5 lifecycles were lost: ..."."""

    lifecycles: int
    why: str


class Content(NamedTuple):
    """The lifecycles of one batch."""

    closed: int  # how many it closes
    resent: frozenset[int]  # which of those were sent before, while they were open
    opened: frozenset[int]  # which it sends open


class Undelivered:
    """What one sink lost, by reason.

    A lifecycle counts once: where its closing is lost, or at the end where it never closed and no snapshot of it was
    delivered.
    """

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._delivered: set[int] = set()  # open lifecycles that the other side knows
        self._unknown: set[int] = set()  # open lifecycles of which everything was lost so far

    def lose(self, reason: str, content: Content) -> None:
        """A batch will never be delivered."""
        if content.closed:
            self.counts[reason] = self.counts.get(reason, 0) + content.closed
        self._unknown = (self._unknown - content.resent) | (content.opened - self._delivered)
        self._delivered -= content.resent

    def deliver(self, content: Content) -> None:
        """A batch was acknowledged."""
        if content.opened or content.resent:
            self._unknown -= content.opened | content.resent
            self._delivered = (self._delivered - content.resent) | content.opened

    def left(self, contents: Iterable[Content] = ()) -> int:
        """How many more lifecycles are lost if these batches are never delivered and no other one comes."""
        closed, unknown = 0, set(self._unknown)
        for content in contents:
            closed += content.closed
            unknown = (unknown - content.resent) | (content.opened - self._delivered)
        return closed + len(unknown)


def content_of(batch: wire.Batch) -> Content:
    """Which lifecycles a batch tells of."""
    opened = [row.id for row in batch.rows if row.release_ns == wire.NOT_REACHED]
    resent = [row.id for row in batch.rows if row.outcomes & wire.RESENT and row.release_ns != wire.NOT_REACHED]
    return Content(len(batch.rows) - len(opened), frozenset(resent), frozenset(opened))


def of_buffer(dropped: Mapping[str, int]) -> list[Loss]:
    """What never came to any sink. Faults of Tenure's own are logged where they happen, and are no lifecycles."""
    return [Loss(dropped.get("buffer full", 0), _BUFFER_FULL)]


def sentence(losses: Iterable[Loss]) -> str:
    """One line of all that was lost, "" where nothing was."""
    return "; ".join(
        f"{count} {'lifecycle was' if count == 1 else 'lifecycles were'} lost: {why}" for count, why in losses if count
    )
