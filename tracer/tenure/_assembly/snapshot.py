"""A record's values at one moment, for its row."""

from __future__ import annotations

from typing import NamedTuple, cast

from tenure import wire
from tenure._core.record_layout import ACQUIRED, RELEASE, RELEASED, Listed
from tenure._identify.exceptions import Failure

ACQUIRING, HELD, RELEASING, CLOSED = range(4)
PLAIN = wire.OK | wire.OK << wire.BODY_SHIFT | wire.OK << wire.RELEASE_SHIFT  # outcomes
_LONGEST = (1 << 57) - 1  # ns, what a row's field takes


class Snapshot(NamedTuple):
    """A record's places, typed; the program may change the record itself meanwhile."""

    site: str
    task: int
    resource: int
    acquire: int
    acquired: int
    release: int
    released: int
    body: Failure | None
    raised: Failure | bool | None
    releaser: int

    @classmethod
    def of(cls, record: Listed) -> Snapshot:
        """What the record says now. Its last stamp is read first: where that is set, all others are."""
        return cls(
            *cast("tuple[str, int, int, int, int, int, int, Failure | None, Failure | bool | None, int]", record[:10])
        )

    @property
    def phase(self) -> int:
        if self.released:
            return CLOSED
        return RELEASING if self.release else HELD if self.acquired else ACQUIRING

    @property
    def own_failure(self) -> Failure | None:
        """The exception that acquire or release raised itself."""
        return self.raised if isinstance(self.raised, Failure) and self.released else None

    def durations(self) -> tuple[int, int, int]:
        """wait_ns, hold_ns and release_ns of the row."""
        not_reached = wire.NOT_REACHED
        if not self.acquired:
            return not_reached, not_reached, _length(self.acquire, self.released)
        leave = self.release or self.released  # an exception may hit between two stamps
        return _length(self.acquire, self.acquired), _length(self.acquired, leave), _length(leave, self.released)

    def outcomes(self) -> int:
        """The row's outcome bits without RESENT."""
        failure = self.own_failure
        if not self.acquired:
            return (failure.outcome if failure is not None else wire.ERROR) if self.released else 0
        bits = wire.OK
        if self.release or self.released:
            bits |= (self.body.outcome if self.body is not None else wire.OK) << wire.BODY_SHIFT
        if self.released:
            bits |= (failure.outcome if failure is not None else wire.OK) << wire.RELEASE_SHIFT
            if self.body is not None and self.raised is None:
                bits |= wire.SUPPRESSED
        return bits


def phase_of(record: Listed) -> int:
    """The phase that a record is in now."""
    if record[RELEASED]:
        return CLOSED
    return RELEASING if record[RELEASE] else HELD if record[ACQUIRED] else ACQUIRING


def _length(start: int, end: int) -> int:
    return min(max(end - start, 0), _LONGEST) if end else wire.NOT_REACHED
