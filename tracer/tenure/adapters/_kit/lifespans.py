"""The lifespan of a server's application: startup is its acquire, serving its hold, and what comes then its release."""

from __future__ import annotations

from typing import NamedTuple, cast

from tenure import _probe_api as probe
from tenure._core.record_layout import ACQUIRED, RELEASE, RELEASED
from tenure._identify import resources
from tenure._identify.resources import Description


class Served(NamedTuple):
    """What is described in an application's place: its kind, itself, and the call of its release."""

    kind: str
    application: object
    exit: str = "shutdown"


class LifespanFailed(Exception):
    """The application said that its startup or its shutdown failed, or returned before it was through."""


def know() -> None:
    """Describe applications that are served; every adapter that makes a Lifespan does so first."""
    resources.register(Served, _describe)


class Lifespan:
    """One lifespan. What comes in another order than it should changes nothing; nothing here raises."""

    __slots__ = ("_record",)

    def __init__(self) -> None:
        self._record: probe.Record | None = None

    @property
    def is_open(self) -> bool:
        """Whether it has begun and not ended."""
        return self._record is not None and not self._record[RELEASED]

    def begin(self, served: Served, site: str) -> None:
        """Startup begins."""
        if self._record is None:
            self._record = probe.enter(served, site)

    def started(self) -> None:
        """Startup is complete."""
        if self._record is not None and self.is_open and not self._record[ACQUIRED]:
            probe.acquired(self._record)

    def stopping(self) -> None:
        """The release begins, if it has not."""
        self._leave(None)

    def ended(self, error: BaseException | None) -> None:
        """It is over, by this exception or (None) as it should; the first end counts."""
        record = self._record
        if record is None or not self.is_open:
            return
        if not record[ACQUIRED]:
            probe.failed(record, error or LifespanFailed("the application returned before its startup was complete"))
        elif not record[RELEASE]:
            self._leave(error)
            probe.released(record, False)
        elif error is not None:
            probe.failed(record, error)
        else:
            probe.released(record, False)

    def _leave(self, error: BaseException | None) -> None:
        record = self._record
        if record is not None and self.is_open and record[ACQUIRED] and not record[RELEASE]:
            probe.leaving(record, error)


def _describe(served: object, _: str) -> Description:
    kind, application, leave = cast("Served", served)
    return Description(kind, application, "lifespan", enter="startup", exit=leave)
