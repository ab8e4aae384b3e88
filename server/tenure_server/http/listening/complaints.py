"""Logs refusals, one line for each kind with a count: thousands of faulty clients must not fill the disk."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

from aiohttp.http_exceptions import HttpProcessingError

from tenure_server.limits import COMPLAINT_S

log = logging.getLogger("tenure.server")


class Complaints:
    """The first refusal of a kind is logged; further ones are counted, and logged together every COMPLAINT_S."""

    def __init__(self) -> None:
        self.totals: Counter[str] = Counter()  # since the start, by kind
        self._unlogged: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def count(self, kind: str) -> None:
        """Count a refusal. ``kind`` is the sentence for the log: "a connection was refused: ..."."""
        self.totals[kind] += 1
        if self.totals[kind] == 1:
            log.warning("%s (further cases are counted and logged every %g s)", kind, COMPLAINT_S)
            return
        self._unlogged[kind] += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(COMPLAINT_S, self.flush)

    def flush(self) -> None:
        """Log the counts that are not logged yet."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for kind, count in self._unlogged.items():
            log.warning("%s: %d more times", kind, count)
        self._unlogged.clear()


def quiet_logger(complaints: Complaints) -> logging.Logger:
    """A logger for aiohttp's server, which would log a traceback for every request that it cannot parse."""

    def is_logged(record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            complaints.count("a request that is not valid HTTP was answered with 400")
            return False
        return True

    logger = logging.Logger(f"{log.name}.http")  # noqa: LOG001 -- each server has its own filter
    logger.parent = log
    logger.addFilter(is_logged)
    return logger
