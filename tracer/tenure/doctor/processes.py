"""The reports of the other processes of a program: each writes its own into a directory, and the root reads them.

$TENURE_DOCTOR names the directory. A process writes its file when it begins, and again when it ends; one that was
killed has the first only.
"""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tenure._core import process_tree
from tenure._core.children import UnrecordedChild
from tenure._core.process_tree import ProcessTree
from tenure.doctor.report import ProcessReport, ProgramReport
from tenure.doctor.sanitize import sanitize_text

VARIABLE = "TENURE_DOCTOR"
NO_REPORT = "no report: it was ended by a signal or by os._exit, or it still runs"
_WAIT_S, _POLL_S = 2.0, 0.05  # for the others to end
_TRACKER = "multiprocessing.resource_tracker"  # which ends after the root, and holds nothing
_first_pid = os.getpid()  # of the process that imported this module


def write(directory: Path, report: ProgramReport | None) -> None:
    """Write this process's file; ``report``: None while it runs."""
    words = command(sys.orig_argv) if os.getpid() == _first_pid else f"a fork of process {_first_pid}"
    process = ProcessReport(os.getpid(), words, "" if report else NO_REPORT, report)
    path = directory / f"{process.pid}.json"
    partial = path.with_suffix(".partial")
    partial.write_bytes(msgspec.json.encode(process))
    partial.replace(path)


def read(directory: Path, tree: ProcessTree, report: ProgramReport | None = None) -> list[ProcessReport]:
    """The processes of the tree but its root, whose report may name children that are not recorded.

    It waits up to two seconds for those that still run.

    Raises:
        OSError: the directory cannot be read.
        msgspec.MsgspecError: a file of it has no report.
    """
    deadline = time.monotonic() + _WAIT_S
    parts = _parts(directory)
    while any(part.reason and process_tree.is_alive(part.pid) for part in parts) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        parts = _parts(directory)
    reports = [report, *(part.report for part in parts)]
    unrecorded = [process for report in reports if report is not None for process in report.processes]
    silent = tree.recorded() - {part.pid for part in parts} - {tree.root}
    parts += [ProcessReport(pid, "a fork", NO_REPORT, None) for pid in silent]
    return sorted([*parts, *unrecorded], key=lambda process: process.pid)


def _parts(directory: Path) -> list[ProcessReport]:
    parts = [msgspec.json.decode(path.read_bytes(), type=ProcessReport) for path in directory.glob("*.json")]
    return [part for part in parts if _TRACKER not in part.command]


def unrecorded(unrecorded: UnrecordedChild) -> ProcessReport:
    """A child that is not recorded."""
    child, reason = unrecorded
    return ProcessReport(child.pid, command(child.command), f"not recorded: {sanitize_text(reason)}", None)


def command(words: Sequence[str]) -> str:
    """The words of a command for people, without secrets."""
    return sanitize_text(shlex.join(words))
