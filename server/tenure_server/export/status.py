"""How far an exporter is, for the API, the metrics and the dashboard."""

from __future__ import annotations

from typing import Literal

import msgspec

from tenure_server.store import Backlog


class Exporter(msgspec.Struct, frozen=True):
    """One backend that spans are exported to. Counts are of lifecycles, since the collector started.

    ``state``: ok, everything goes out; retrying, the last attempts failed and nothing is lost; refusing, the backend
    does not take what it is sent. ``waiting`` lifecycles have ended and are not acknowledged, the first of them for
    ``lag_s``. ``rejected``: the backend said so in a partial success; ``refused``: it turned whole requests away;
    ``expired``: deleted by the retention before they were exported (since the exporter is known to the store).
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
    """The counts of one exporter while the collector runs."""

    failures: int = 0  # in a row
    is_interrupted: bool = False  # nothing goes out, and no backend is to blame
    exported: int = 0
    rejected: int = 0
    lost: int = 0  # in requests that were refused
    retries: int = 0
    last_export_ns: int | None = None
    last_error: str | None = None
    last_error_ns: int | None = None
    is_refusing: bool = False
    said: str | None = None

    def delivered(self, spans: int, rejected: int, message: str, now_ns: int) -> None:
        """The backend took them but for the rejected ones."""
        self.exported += spans - rejected
        self.rejected += rejected
        self.recovered()
        self.is_refusing = False
        self.last_export_ns = now_ns
        if rejected:
            self._note(message or f"{rejected} of {spans} spans rejected", now_ns)
        else:
            self.said = None

    def refused(self, spans: int, what: str, now_ns: int) -> None:
        """The backend will not take them."""
        self.lost += spans
        self.recovered()
        self.is_refusing = True
        self._note(what, now_ns)

    def failed(self, what: str, now_ns: int) -> None:
        """An attempt that will be made again."""
        self.retries += 1
        self.failures += 1
        self._note(what, now_ns)

    def interrupted(self, what: str, now_ns: int) -> None:
        """Who exports is gone for the moment."""
        self.is_interrupted = True
        self._note(what, now_ns)

    def recovered(self) -> bool:
        """Nothing is in the way; whether something was."""
        was_stuck = self.is_interrupted or self.failures > 0
        self.is_interrupted, self.failures = False, 0
        return was_stuck

    def is_news(self, what: str) -> bool:
        """Whether this has not just been said."""
        is_new, self.said = what != self.said, what
        return is_new

    def exporter(self, url: str, backlog: Backlog, now_ns: int) -> Exporter:
        """What is to be told of it."""
        lag_s = 0.0 if backlog.since_ns is None else max(now_ns - backlog.since_ns, 0) / 1e9
        return Exporter(
            url=url,
            state="retrying" if self.failures or self.is_interrupted else "refusing" if self.is_refusing else "ok",
            waiting=backlog.lifecycles,
            lag_s=lag_s,
            exported=self.exported,
            rejected=self.rejected,
            refused=self.lost,
            expired=backlog.expired,
            retries=self.retries,
            last_export_ns=self.last_export_ns,
            last_error=self.last_error,
            last_error_ns=self.last_error_ns,
        )

    def _note(self, what: str, now_ns: int) -> None:
        self.last_error, self.last_error_ns = what, now_ns
