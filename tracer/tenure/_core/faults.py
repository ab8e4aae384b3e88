"""Faults of Tenure's own, and lost lifecycles: counted by reason, never raised into the program."""

from __future__ import annotations

import logging

from tenure._core.object_access import qualified_name

dropped: dict[str, int] = {}  # lifecycles lost since recording began, by reason

_log = logging.getLogger("tenure")
_said: set[str] = set()  # places of faults that were logged


def drop(reason: str, count: int = 1) -> None:
    """Count lifecycles that will never be shipped; the counts travel with the next batch."""
    dropped[reason] = dropped.get(reason, 0) + count


def fault(
    where: str, error: Exception, consequence: str = "is left out from now on", *, kind: type | None = None
) -> None:
    """Log a fault of Tenure's own, once for each place; never raise it into the program.

    ``kind``: the class whose name replaces "{}" in ``where``. Reading the name may fail too, so it is read here.
    """
    try:
        drop("fault")
        if kind is not None:
            where = where.replace("{}", qualified_name(kind))
        if where not in _said:
            _said.add(where)
            message = f"tenure: %s failed and {consequence.replace('%', '%%')}: %s"
            _log.warning(message, where, error)
    except Exception:  # noqa: BLE001, S110  # at the recursion limit even this may fail, and the program comes first
        pass
