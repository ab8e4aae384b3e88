"""Programs against a collector with random outages: what is not stored is said by the program at its end."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.qualification.faults import fault_proxy
from tests.qualification.faults.collector import HELD, Collector
from tests.qualification.faults.fault_proxy import Answer
from tests.qualification.reliability.experiment import Experiment, Measured

_SECONDS = 3.0
_PROGRAM = f"""
import asyncio, random, sys, time
class Held:
    async def __aenter__(self): return self
    async def __aexit__(self, *details): pass
async def worker(chance, until):
    entered = 0
    while time.monotonic() < until:
        entered += 1
        async with Held():
            await asyncio.sleep(chance.choice([0, 0, 0.001, 0.02]))
    return entered
async def main(seed):
    until = time.monotonic() + {_SECONDS}
    print(sum(await asyncio.gather(*(worker(random.Random(seed + number), until) for number in range(4)))))
asyncio.run(main(int(sys.argv[1])))
"""
_SMALL_QUEUE = (
    "from tenure._sinks import collector_sink as sink; assert sink.MAX_QUEUED_BYTES; sink.MAX_QUEUED_BYTES = 20_000\n"
)
_COUNTING_OFF = "from tenure._sinks import losses; losses.Undelivered.lose = lambda *_: None\n"
_BAD = Answer(503, {"Retry-After": "0.1"}, b"{}"), Answer(400, {}, b'{"detail": "no"}'), fault_proxy.RESET
_LOST = re.compile(r"(\d+) lifecycles? (?:was|were) lost: ")


class _Weather:
    """What is done to a request: by the time since the first one, in turns good and bad."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._next = 0.0
        self._is_good = False
        self._bad: Answer | str = _BAD[1]  # the first bad time refuses, so that something is lost in every run
        self.outages = 0

    def __call__(self, _: int) -> Answer | str:
        now = time.monotonic()
        while now >= self._next:
            self._next = max(self._next, now - 1.0) + self._chance.uniform(0.2, 1.0)
            self._is_good = not self._is_good
            if not self._is_good:
                self._bad = _BAD[1] if not self.outages else self._chance.choice(_BAD)
                self.outages += 1
        return fault_proxy.FORWARD if self._is_good else self._bad


def run(short: bool, seed: int, mutated: bool) -> Measured:
    """One program after another: 2, or 15."""
    chance = random.Random(seed)  # no secret
    wrong: list[str] = []
    totals: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="losses-") as name:
        directory = Path(name)
        (directory / "app.py").write_text(_PROGRAM)
        (directory / "sitecustomize.py").write_text(_SMALL_QUEUE + (_COUNTING_OFF if mutated else ""))
        collector = Collector(directory)
        try:
            for number in range(2 if short else 15):
                wrong += _one(collector, directory, f"run-{number}", chance, totals)
        finally:
            collector.close()
    return Measured(totals["lifecycles entered"], wrong, dict(totals))


def _one(collector: Collector, directory: Path, service: str, chance: random.Random, totals: Counter[str]) -> list[str]:
    weather = _Weather(chance)
    with fault_proxy.in_front_of(collector.port, weather) as proxy:
        done = _carried_out(directory, service, proxy.url, chance.randrange(1_000_000))
    entered = int(done.stdout)
    processes = {item["id"]: item for item in collector.items("/api/processes") if item["service"] == service}
    closed = [
        item
        for item in collector.items("/api/lifecycles")
        if item["id"].partition("-")[0] in processes and item["resource"]["kind"] == HELD and item["phase"] == "closed"
    ]
    counted = sum(sum(item["dropped"].values()) for item in processes.values())
    lines = [line for line in done.stderr.splitlines() if "lost: " in line]
    reported = sum(int(number) for line in lines for number in _LOST.findall(line))
    lost = entered - len(closed)
    totals += Counter(
        {"programs": 1, "outages": weather.outages, "lifecycles entered": entered, "stored": len(closed)}
    ) + Counter({"counted as dropped by the store": counted, "said at the end": reported})
    wrong = []
    if reported != lost or len(lines) > 1:
        wrong.append(
            f"{service}: {entered} were entered, {len(closed)} are stored, {reported} are said to be lost: {lines}"
        )
    if counted > reported:
        wrong.append(f"{service}: {counted} are counted as dropped, {reported} are said to be lost")
    return wrong


def _carried_out(directory: Path, service: str, url: str, seed: int) -> subprocess.CompletedProcess[str]:
    options = ["--collector", url, "--service", service]
    command = [sys.executable, "-m", "tenure", "run", *options, "app.py", str(seed)]
    environment = {"PYTHONPATH": str(directory), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command, cwd=directory, env=environment, check=True, capture_output=True, text=True, timeout=60
    )


EXPERIMENT = Experiment(
    "losses",
    "What a program entered is stored, or said to be lost in one line at its end, whatever its collector does.",
    run,
    "counting of drops off",
)
