"""The state of an exporter, for the API, the metrics and the dashboard."""

from __future__ import annotations

from typing import Literal

import msgspec

from tenure_server.store import Backlog


class Exporter(msgspec.Struct, frozen=True):
    """One backend that spans are exported to. Counts are numbers of lifecycles since the collector started.

    ``state``: ok, everything is exported; retrying, the last attempts failed and nothing is lost; refusing, the backend
    refused the last request. ``waiting`` lifecycles have closed and are not acknowledged by the backend; the oldest of
    them has waited for ``lag_s`` seconds. ``exported`` were accepted. ``rejected`` were not accepted in a partial
    success. ``refused`` were in requests that the backend refused as a whole. ``expired`` were deleted by the retention
    before their export; this count begins when the store first knows the exporter. ``retries`` are failed attempts.
    Times are in ns since the Unix epoch, None where there was none.
    """

    url: str
    state: Literal["ok", "retrying", "refusing"]
    waiting: int
    lag_s: float
    exported: int
    rejected: int
    refused: int
    expired: int
    retries: int
    last_export_ns: int | None
    last_error: str | None
    last_error_ns: int | None


class Progress(msgspec.Struct):
    """The counts of one exporter since the collector started."""

    failures: int = 0  # in a row
    is_interrupted: bool = False  # the exporting process is not running
    exported: int = 0
    rejected: int = 0
    refused_spans: int = 0  # in requests that were refused
    retries: int = 0
    last_export_ns: int | None = None
    last_error: str | None = None
    last_error_ns: int | None = None
    is_refusing: bool = False
    last_logged: str | None = None  # the last problem in the log, until an export without one

    def delivered(self, spans: int, rejected: int, message: str, now_ns: int) -> None:
        """The backend accepted the spans, except the rejected ones."""
        self.exported += spans - rejected
        self.rejected += rejected
        self.recovered()
        self.is_refusing = False
        self.last_export_ns = now_ns
        if rejected:
            self._record_error(message or f"{rejected} of {spans} spans rejected", now_ns)
        else:
            self.last_logged = None

    def refused(self, spans: int, reason: str, now_ns: int) -> None:
        """The backend refused the spans, which are not sent again."""
        self.refused_spans += spans
        self.recovered()
        self.is_refusing = True
        self._record_error(reason, now_ns)

    def failed(self, reason: str, now_ns: int) -> None:
        """An attempt failed that will be repeated."""
        self.retries += 1
        self.failures += 1
        self._record_error(reason, now_ns)

    def interrupted(self, reason: str, now_ns: int) -> None:
        """The exporting process has ended and will be restarted."""
        self.is_interrupted = True
        self._record_error(reason, now_ns)

    def recovered(self) -> bool:
        """Note that exporting works; return whether it did not before."""
        was_stuck = self.is_interrupted or self.failures > 0
        self.is_interrupted, self.failures = False, 0
        return was_stuck

    def should_log(self, reason: str) -> bool:
        """Whether this problem is another one than the last in the log."""
        is_changed, self.last_logged = reason != self.last_logged, reason
        return is_changed

    def exporter(self, url: str, backlog: Backlog, now_ns: int) -> Exporter:
        """The exporter as the API gives it."""
        lag_s = 0.0 if backlog.since_ns is None else max(now_ns - backlog.since_ns, 0) / 1e9
        return Exporter(
            url=url,
            state="retrying" if self.failures or self.is_interrupted else "refusing" if self.is_refusing else "ok",
            waiting=backlog.lifecycles,
            lag_s=lag_s,
            exported=self.exported,
            rejected=self.rejected,
            refused=self.refused_spans,
            expired=backlog.expired,
            retries=self.retries,
            last_export_ns=self.last_export_ns,
            last_error=self.last_error,
            last_error_ns=self.last_error_ns,
        )

    def _record_error(self, reason: str, now_ns: int) -> None:
        self.last_error, self.last_error_ns = reason, now_ns
