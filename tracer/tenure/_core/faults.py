"""Faults of Tenure's own, and lifecycles that were lost: counted by reason and never raised into the program."""

from __future__ import annotations

import logging

from tenure._core.object_access import qualified_name

dropped: dict[str, int] = {}  # lifecycles lost since the process started, by reason


_log = logging.getLogger("tenure")


_said: set[str] = set()


def drop(reason: str, count: int = 1) -> None:
    """Count lifecycles that will never be shipped; the counts travel with the next batch."""
    dropped[reason] = dropped.get(reason, 0) + count


def fault(
    where: str, error: Exception, consequence: str = "is left out from now on", *, kind: type | None = None
) -> None:
    """A fault of Tenure's own: logged once for each place, never raised into the program.

    ``kind``: the class whose name stands in ``where`` in the place of "{}". It is found here, where nothing gets out.
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
