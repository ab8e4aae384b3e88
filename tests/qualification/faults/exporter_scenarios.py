"""Faults of the process that exports, and of the collector that it does so for."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tests.qualification.faults.collector import Collector
from tests.qualification.faults.otlp_backend import Backend, backend
from tests.qualification.faults.scenarios import Stage, scenario
from tests.qualification.faults.verdict import Told, judge, of_collector

from tenure import wire
from tenure_server.limits import EXPORT_SPANS

_KILLS = 3


@scenario("exporting process killed", short=True)
def killed(stage: Stage) -> Told:
    """SIGKILL for the process that exports, three times in the middle."""
    plain = stage.plain_until_told()
    with backend() as receiver, stage.collector("--otlp", receiver.url) as collector:
        program = stage.start("--collector", collector.url)
        before: list[int] = []
        for kill in range(1, _KILLS + 1):
            before.append(_exporting(collector, before))
            receiver.until(20 * kill)
            os.kill(before[-1], signal.SIGKILL)
        program.go_on()
        told = judge(plain, program.done(), of_collector(collector))
        return told._replace(wrong=told.wrong + _wrong(collector, receiver, _KILLS))


@scenario("collector killed while it exports")
def killed_with_it(stage: Stage) -> Told:
    """SIGKILL for the collector in the middle, back a second later; what exported for it ends by itself."""
    plain = stage.plain_until_told()
    with backend() as receiver, stage.collector("--otlp", receiver.url) as collector:
        program = stage.start("--collector", collector.url)
        exporting = _exporting(collector, [])
        receiver.until(20)
        collector.kill()
        time.sleep(1)
        orphan = [f"process {exporting}, which exported, is still there"] if _is_there(exporting) else []
        collector.start()
        program.go_on()
        told = judge(plain, program.done(), of_collector(collector))
        return told._replace(wrong=told.wrong + orphan + _wrong(collector, receiver, 1))


def _wrong(collector: Collector, receiver: Backend, kills: int) -> list[str]:
    """What is not as promised: the backend has all that closed, and no more than a request repeated for each kill."""
    closed = (one["id"].split("-") for one in collector.items("/api/lifecycles") if one["phase"] == "closed")
    spans = {wire.span_id(bytes.fromhex(process), int(number)) for process, number in closed}
    wrong = []
    if missing := receiver.missing(spans):
        wrong.append(f"the backend has not got {len(missing)} of {len(spans)}")
    if strange := set(receiver.taken) - spans:
        wrong.append(f"the backend has {len(strange)} spans that no lifecycle closed for")
    repeated = receiver.taken.total() - len(receiver.taken)
    if repeated > kills * EXPORT_SPANS:
        wrong.append(f"{repeated} were repeated")
    return wrong


def _exporting(collector: Collector, before: list[int]) -> int:
    """The process that exports for a collector; another one than those before."""
    deadline = time.monotonic() + 20
    while not (found := [pid for pid in collector.children() if pid not in before]):
        assert time.monotonic() < deadline, "there is no process that exports"
        time.sleep(0.02)
    return found[0]


def _is_there(pid: int) -> bool:
    """Whether it runs; one that is dead, and that nobody has waited for yet, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
