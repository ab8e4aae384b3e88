"""One run of one suite: the outcome of each test, and what was recorded."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from tests.qualification.transparency.suites import REPORTERS, Suite

TIME_LIMIT = 1_200  # seconds for one run of one suite
ALONE_LIMIT = 180  # and for all runs of one test by itself
TIMES = 200  # that a test is run alone, to see whether it always has the same outcome
UNFINISHED = "began and did not end"


class Run(NamedTuple):
    """Outcomes by test id. Sites and lifecycles are 0 where nothing is recorded."""

    outcomes: dict[str, str]
    sites: int
    lifecycles: int
    seconds: float
    trouble: str  # what kept the suite from being run to its end; "" where nothing did


def plain(suite: Suite, python: Path, directory: Path | None = None, log: Path | None = None) -> Run:
    """Run it as it is. ``directory``: where a library's suite runs; ``log``: the file for what it prints."""
    with tempfile.TemporaryDirectory(prefix="transparency-") as temporary:
        return _run(suite.command(python), {}, Path(temporary), directory, log=log)


def recorded(suite: Suite, python: Path, probe: str, directory: Path | None = None, log: Path | None = None) -> Run:
    """Run it under ``tenure run`` with this probe, "python" or "native"; "" is the default one."""
    with tempfile.TemporaryDirectory(prefix="transparency-") as temporary:
        recording = Path(temporary) / "recording.json"
        environment = {"TENURE_PROBE": probe} if probe else {}
        run = _run(suite.recorded(python, recording), environment, Path(temporary), directory, log=log)
        return run._replace(lifecycles=_lifecycles(recording))


def alone(suite: Suite, python: Path, test: str, directory: Path | None = None, times: int = TIMES) -> Counter[str]:
    """Run one test many times unrecorded, with the shortest switch interval; counts its outcomes."""
    with tempfile.TemporaryDirectory(prefix="transparency-") as temporary:
        environment = {"TRANSPARENCY_TEST": test, "TRANSPARENCY_TIMES": str(times)}
        run = _run(suite.command(python, test), environment, Path(temporary), directory, limit=ALONE_LIMIT)
    turns = (outcome for turn, outcome in run.outcomes.items() if turn.rpartition("#")[0] == test)
    return Counter(outcome for outcome in turns if outcome != UNFINISHED)  # there was no time for it


def _run(
    command: list[str],
    environment: dict[str, str],
    temporary: Path,
    directory: Path | None,
    *,
    log: Path | None = None,
    limit: float = TIME_LIMIT,
) -> Run:
    report, log = temporary / "report", log or temporary / "log"
    working = temporary / "working"
    working.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TENURE_", "OTEL_", "PYTEST_"))}
    paths = [str(REPORTERS), *([str(directory)] if directory else []), *filter(None, [os.environ.get("PYTHONPATH")])]
    ours = {
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONHASHSEED": "0",
        "PYTHONPYCACHEPREFIX": str(temporary / "bytecode"),
        "TRANSPARENCY_REPORT": str(report),
    }
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=directory or working,
            env={**kept, **ours, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status: int | None = process.wait(limit)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            _end(process)
    outcomes, sites = _read(report)
    trouble = ""
    if status is None:
        trouble = f"not done after {limit} s"
    elif sites is None:
        trouble = f"ended with status {status} before its end: {_last_line(log)}"
    elif not any(outcome.endswith(("ok", "passed")) for outcome in outcomes.values()):
        trouble = f"no test went well: {_last_line(log)}"
    return Run(outcomes, sites or 0, 0, time.monotonic() - began, trouble)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the run, with the children that its tests forgot."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _read(report: Path) -> tuple[dict[str, str], int | None]:
    """Outcomes by test id, and the number of sites; None where the end was not reached."""
    outcomes: dict[str, str] = {}
    sites = None
    for line in report.read_text().splitlines() if report.exists() else ():
        entry = json.loads(line)
        if "sites" in entry:
            sites = entry["sites"]
        elif entry["outcome"] == "began":
            outcomes.setdefault(entry["test"], UNFINISHED)
        else:
            before = outcomes.get(entry["test"], UNFINISHED)
            outcomes[entry["test"]] = entry["outcome"] if before == UNFINISHED else f"{before}, {entry['outcome']}"
    return outcomes, sites


def _lifecycles(recording: Path) -> int:
    """How many lifecycles a recording has; the snapshots of one count once."""
    if not recording.exists():
        return 0
    batches = json.loads(recording.read_bytes())["batches"]
    return len({(batch["process"][0], row[0]) for batch in batches for row in batch["rows"]})


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
