"""The bounded buffer between the program and the shipping thread.

What stands in ``pending`` is, in the order in which it happened: a record (``tenure.probe``) at its acquire, alone or
with the OpenTelemetry context that it began in (``tenure.active``), and a task (``tenure.tasks``) at its creation and
again at its end. The program appends, the shipping thread takes from the left.
"""

from __future__ import annotations

import logging
from collections import deque

LIMIT = 100_000  # entries; a record takes about 400 bytes, and half a second is enough to ship them all

pending: deque[object] = deque()
dropped: dict[str, int] = {}  # lifecycles lost since the process started, by reason

_log = logging.getLogger("tenure")
_said: set[str] = set()


def has_room() -> bool:
    """Whether one more entry may be built; where not, the caller counts it with ``drop``."""
    return len(pending) < LIMIT


def drain() -> list[object]:
    """Take out everything that is in the buffer now."""
    return [pending.popleft() for _ in range(len(pending))]


def clear() -> None:
    """Begin anew, as a forked child does."""
    pending.clear()
    dropped.clear()


def drop(reason: str, count: int = 1) -> None:
    """Count lifecycles that will never be shipped; the counts travel with the next batch."""
    dropped[reason] = dropped.get(reason, 0) + count


def fault(where: str, error: Exception) -> None:
    """A fault of Tenure's own: logged once for each place, never raised into the program."""
    try:
        drop("fault")
        if where not in _said:
            _said.add(where)
            _log.warning("tenure: %s failed and is left out from now on: %s", where, error, exc_info=error)
    except Exception:  # noqa: BLE001, S110  # at the recursion limit even this may fail, and the program comes first
        pass
