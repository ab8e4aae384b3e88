"""Faults of the exporting process and of its collector."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tests.qualification.faults.collector import Collector
from tests.qualification.faults.otlp_backend import Backend, backend
from tests.qualification.faults.scenarios import Stage, scenario
from tests.qualification.faults.verdict import Verdict, judge, stored_by_collector

from tenure import wire
from tenure_server.limits import EXPORT_SPANS

_KILLS = 3


@scenario("exporting process killed", short=True)
def killed(stage: Stage) -> Verdict:
    """SIGKILL for the process that exports, three times in the middle."""
    plain = stage.plain_until_told()
    with backend() as receiver, stage.collector("--otlp", receiver.url) as collector:
        program = stage.start("--collector", collector.url)
        before: list[int] = []
        for kill in range(1, _KILLS + 1):
            before.append(_exporting(collector, before))
            receiver.wait_for_spans(20 * kill)
            os.kill(before[-1], signal.SIGKILL)
        program.finish()
        verdict = judge(plain, program.wait(), stored_by_collector(collector))
        return verdict._replace(breaches=verdict.breaches + _breaches(collector, receiver, _KILLS))


@scenario("collector killed while it exports")
def killed_with_it(stage: Stage) -> Verdict:
    """SIGKILL for the collector in the middle, back a second later; what exported for it ends by itself."""
    plain = stage.plain_until_told()
    with backend() as receiver, stage.collector("--otlp", receiver.url) as collector:
        program = stage.start("--collector", collector.url)
        exporting = _exporting(collector, [])
        receiver.wait_for_spans(20)
        collector.kill()
        time.sleep(1)
        orphan = [f"process {exporting}, which exported, is still there"] if _is_there(exporting) else []
        collector.start()
        program.finish()
        verdict = judge(plain, program.wait(), stored_by_collector(collector))
        return verdict._replace(breaches=verdict.breaches + orphan + _breaches(collector, receiver, 1))


def _breaches(collector: Collector, receiver: Backend, kills: int) -> list[str]:
    """The backend has all that closed, and at most one request repeated for each kill."""
    closed = (
        lifecycle["id"].split("-") for lifecycle in collector.items("/api/lifecycles") if lifecycle["phase"] == "closed"
    )
    spans = {wire.span_id(bytes.fromhex(process), int(number)) for process, number in closed}
    breaches = []
    if missing := receiver.missing(spans):
        breaches.append(f"the backend has not got {len(missing)} of {len(spans)}")
    if strange := set(receiver.taken) - spans:
        breaches.append(f"the backend has {len(strange)} spans that no lifecycle closed for")
    repeated = receiver.taken.total() - len(receiver.taken)
    if repeated > kills * EXPORT_SPANS:
        breaches.append(f"{repeated} were repeated")
    return breaches


def _exporting(collector: Collector, before: list[int]) -> int:
    """The pid of the collector's exporting process, which is none of those before."""
    deadline = time.monotonic() + 20
    while not (pids := [pid for pid in collector.children() if pid not in before]):
        assert time.monotonic() < deadline, "there is no process that exports"
        time.sleep(0.02)
    return pids[0]


def _is_there(pid: int) -> bool:
    """Whether it runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
