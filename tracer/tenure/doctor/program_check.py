"""A program under examination: recorded as ``tenure run`` does, watched meanwhile, and told of at its end."""

from __future__ import annotations

import atexit
import os
import platform
from collections import Counter
from collections.abc import Callable

from tenure import session
from tenure._core import probe_backend
from tenure._rewriting.module_filter import Selection
from tenure._sinks.shipper import Sink
from tenure.doctor.counting_sink import Counting
from tenure.doctor.entry_watcher import Seen, Watch
from tenure.doctor.faults import Faults
from tenure.doctor.modules import Module, survey
from tenure.doctor.reasons import Reasons
from tenure.doctor.report import Report, recorded, unrecorded
from tenure.doctor.sanitize import plain

LIMITS = [
    "managers whose __aenter__ is written in C, entered by code that is not rewritten",
    "other processes that the program starts or forks",
]


class Examination:
    """From ``start`` to the end of the process, or of the recording. ``tell`` is given the report then, once.

    ``sinks()``: where the records go beside being counted.
    """

    def __init__(
        self, *, service: str | None, sync: bool, sinks: Callable[[], list[Sink]], tell: Callable[[Report], None]
    ) -> None:
        self._service, self._sync, self._sinks, self._tell = service, sync, sinks, tell
        self._program = ""
        self._pid = os.getpid()
        self._counting, self._faults = Counting(), Faults()
        self._seen: Counter[Seen] | None = None
        self._modules: list[Module] = []

    def start(self, name: str, selection: Selection) -> None:
        """Begin with this program, of which nothing was imported yet.

        Raises:
            UsageError: there is something wrong with what ``sinks`` is to make.
        """
        self._program, self._selection = name, selection
        self._reasons = Reasons(selection)
        self._watch = Watch(self._reasons, self._faults, sync=self._sync)
        sinks = [self._counting, *self._sinks()]
        session.start(self._service or session.environment_name() or name, sinks, selection, sync=self._sync)
        self._watch.start()
        session.at_end(self._report)
        atexit.register(self._look)  # runs before the session's own, which stops the recording

    def _look(self) -> None:
        """Stop watching, and see what there is; forked children are not told of."""
        if self._seen is None and os.getpid() == self._pid:
            self._seen = self._watch.stop()
            self._modules = survey(self._selection, self._reasons, sync=self._sync)

    def _report(self) -> None:
        self._look()
        self._faults.stop()
        seen = self._seen or Counter()
        self._tell(
            Report(
                program=plain(self._program),
                python=platform.python_version(),
                probe=probe_backend.NAME,
                watched_by=self._watch.way,
                limits=[*self._watch.limits, *LIMITS],
                modules=self._modules,
                recorded=recorded(seen),
                missed=unrecorded(seen, by_design=False),
                left_out=unrecorded(seen, by_design=True),
                lifecycles=self._counting.lifecycles,
                dropped=self._counting.dropped,
                faults=self._faults.found,
            )
        )
