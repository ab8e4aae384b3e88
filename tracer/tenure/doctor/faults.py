"""Faults of Tenure's own, as ``tenure._core.faults.fault`` logs them."""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec

from tenure.doctor.sanitize import plain


class Fault(msgspec.Struct, frozen=True):
    """What was left out because of it, and the exception."""

    where: str
    error: str


class Faults:
    """Hears of them from now on. ``quiet``: they are not logged meanwhile; else the log goes on as it was."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self.found: list[Fault] = []
        self.listeners: list[Callable[[], None]] = []  # called at each
        logging.getLogger("tenure").addFilter(self._hear)

    def stop(self) -> None:
        """Hear no more."""
        logging.getLogger("tenure").removeFilter(self._hear)

    def _hear(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple) and len(record.args) == 2:
            where, error = record.args
            self.found.append(Fault(plain(str(where)), plain(f"{type(error).__name__}: {error}")))
            for listener in self.listeners:
                listener()
            return not self._quiet
        return True
