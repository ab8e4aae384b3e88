"""``tenure doctor`` with a program: records it as ``tenure run`` does, watches it, and reports at its end."""

from __future__ import annotations

import atexit
import os
import platform
from collections import Counter
from collections.abc import Callable

from tenure import session
from tenure._core import probe_backend
from tenure._core.children import children
from tenure._core.process_tree import ProcessTree
from tenure._rewriting.module_filter import ModuleFilter
from tenure._sinks.shipper import Sink
from tenure.doctor import processes
from tenure.doctor.counting_sink import Counting
from tenure.doctor.entry_watcher import Seen, Watch
from tenure.doctor.faults import FaultListener
from tenure.doctor.modules import Module, list_modules
from tenure.doctor.reasons import Reasons
from tenure.doctor.report import ProgramReport, recorded, unrecorded
from tenure.doctor.sanitize import sanitize_text

LIMITS = [
    "managers whose __aenter__ is written in C, entered by code that is not rewritten",
]


class Examination:
    """Lasts from ``start`` to the end of the process, or of the recording; then ``on_report(report)`` is called once.

    Each fork of the process counts from zero, and calls ``on_fork_report(report)`` at its end.

    ``sinks()`` makes the sinks that get the records, besides the one that counts them.
    """

    def __init__(
        self,
        *,
        service: str | None,
        sync: bool,
        sinks: Callable[[], list[Sink]],
        on_report: Callable[[ProgramReport], None],
        on_fork_report: Callable[[ProgramReport], None],
        tree: ProcessTree,
    ) -> None:
        self._service, self._sync, self._sinks, self._tree = service, sync, sinks, tree
        self._on_report, self._on_fork_report = on_report, on_fork_report
        self._program, self._name = "", ""
        self._counting, self._faults = Counting(), FaultListener()
        self._seen: Counter[Seen] | None = None
        self._modules: list[Module] = []

    def start(self, name: str, module_filter: ModuleFilter) -> None:
        """Start recording and watching this program, before any of it is imported.

        Raises:
            UsageError: ``sinks`` cannot make a sink.
        """
        self._program, self._module_filter = name, module_filter
        self._reasons = Reasons(module_filter)
        self._watch = Watch(self._reasons, self._faults, sync=self._sync)
        sinks = [self._counting, *self._sinks()]
        self._name = self._service or os.environ.get("OTEL_SERVICE_NAME") or name
        session.start(self._name, sinks, module_filter, sync=self._sync, tree=self._tree)
        self._watch.start()
        session.at_end(lambda: self._on_report(self._report()))
        session.at_end_of_forks(lambda: self._on_fork_report(self._report()))
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._continue_in_fork)
        atexit.register(self._collect)  # runs before the session's own, which stops the recording

    def _continue_in_fork(self) -> None:
        if self._seen is None:
            self._watch.clear()
            self._faults.faults.clear()

    def _collect(self) -> None:
        """Stop watching and collect the results, once."""
        if self._seen is None:
            self._seen = self._watch.stop()
            self._modules = list_modules(self._module_filter, self._reasons, sync=self._sync)

    def _report(self) -> ProgramReport:
        self._collect()
        self._faults.stop()
        seen = self._seen or Counter()
        children.unrecorded()
        return ProgramReport(
            program=sanitize_text(self._program),
            service=sanitize_text(self._name),
            python=platform.python_version(),
            probe=probe_backend.NAME,
            watched_by=self._watch.way,
            limits=[*self._watch.limits, *LIMITS],
            modules=self._modules,
            recorded=recorded(seen),
            missed=unrecorded(seen, by_design=False),
            left_out=unrecorded(seen, by_design=True),
            lifecycles=self._counting.lifecycles,
            internal=self._counting.internal,
            dropped=self._counting.dropped,
            faults=self._faults.faults,
            processes=list(map(processes.unrecorded, children.known_unrecorded)),
        )
