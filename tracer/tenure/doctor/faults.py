"""Collects the faults in Tenure, as ``tenure._core.faults.fault`` logs them."""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec

from tenure.doctor.sanitize import sanitize_text


class Fault(msgspec.Struct, frozen=True):
    """The action that failed, and the exception."""

    where: str
    error: str


class FaultListener:
    """Collects faults from its creation until ``stop``. ``quiet``: they do not reach the log meanwhile."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self.faults: list[Fault] = []
        self.listeners: list[Callable[[], None]] = []  # called at each fault
        logging.getLogger("tenure").addFilter(self._filter)

    def stop(self) -> None:
        """Stop collecting."""
        logging.getLogger("tenure").removeFilter(self._filter)

    def _filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple) and len(record.args) == 2:
            where, error = record.args
            self.faults.append(Fault(sanitize_text(str(where)), sanitize_text(f"{type(error).__name__}: {error}")))
            for listener in self.listeners:
                listener()
            return not self._quiet
        return True
