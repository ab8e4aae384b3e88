"""One log line for each kind of refusal, with a count: thousands of bad clients must not fill the disk."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

from aiohttp.http_exceptions import HttpProcessingError

from tenure_server.limits import COMPLAINT_S

log = logging.getLogger("tenure.server")


class Complaints:
    """A kind of refusal is logged when it first happens; what follows is counted, and told every COMPLAINT_S."""

    def __init__(self) -> None:
        self.totals: Counter[str] = Counter()  # since the start, by kind
        self._untold: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def count(self, kind: str) -> None:
        """Note one. ``kind`` is the sentence of the log, such as "a request that is no HTTP was answered by 400"."""
        self.totals[kind] += 1
        if self.totals[kind] == 1:
            log.warning("%s (further cases are counted and logged every %g s)", kind, COMPLAINT_S)
            return
        self._untold[kind] += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(COMPLAINT_S, self.tell)

    def tell(self) -> None:
        """Log what has been counted and not been told."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for kind, count in self._untold.items():
            log.warning("%s: %d more times", kind, count)
        self._untold.clear()


def quiet_logger(complaints: Complaints) -> logging.Logger:
    """For aiohttp's server, which logs a traceback for every request that it cannot parse."""

    def is_ours(record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            complaints.count("a request that is not valid HTTP was answered with 400")
            return False
        return True

    logger = logging.Logger(f"{log.name}.http")  # noqa: LOG001 -- one for each server: its filter counts for this one
    logger.parent = log
    logger.addFilter(is_ours)
    return logger
