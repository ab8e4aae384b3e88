"""A soak: a collector takes lifecycles at a steady rate for long, a page is open, and what grows is measured.

    python -m tests.qualification.reliability.soak [--minutes 30] [--rate 5000] [--max-size 200MB] [--write]

Every ten seconds the collector's memory, processor time, files and answers are noted. At the end the slope of each is
told, by least squares over what came after the first third, in which caches and the store fill up. ``--write`` stores
the figures in docs/reliability.json, from which the page has them.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import linear_regression
from typing import NamedTuple

import aiohttp
from tests.qualification.faults.collector import Collector
from tests.qualification.reliability import page

from tenure import wire
from tenure._assembly.snapshot import PLAIN

_BATCH_S = 0.1
_SAMPLE_S = 10.0
_TICKS = os.sysconf("SC_CLK_TCK")
_TASKS, _RESOURCES = 50, 20


class Sample(NamedTuple):
    """The collector at one moment."""

    at_s: float
    memory_mb: float
    cpu_s: float
    disk_mb: float
    files: int  # that it has open
    health_ms: float


class Sender:
    """Sends a batch ten times a second; each has its part of the rate."""

    def __init__(self, rate: int) -> None:
        self.stored = self.refused = 0
        self._rows = max(1, round(rate * _BATCH_S))
        self._process = wire.Process(os.urandom(16), "soak", "host", os.getpid(), "3.11.0", time.time_ns())
        self._sequence = 0

    async def run(self, session: aiohttp.ClientSession, url: str, until_s: float) -> None:
        """Send until then (monotonic seconds); what is refused is sent again."""
        started = time.monotonic()
        for number in range(10**9):
            delay = started + number * _BATCH_S - time.monotonic()
            if time.monotonic() >= until_s:
                return
            await asyncio.sleep(max(0.0, delay))
            data = wire.encode(self._batch())
            while True:
                async with session.post(
                    f"{url}/v1/lifecycles", data=data, headers={"Content-Type": wire.CONTENT_TYPE}
                ) as answer:
                    await answer.read()
                if answer.status == 200:
                    self.stored += self._rows
                    break
                self.refused += 1
                await asyncio.sleep(float(answer.headers.get("Retry-After", "1")))

    def _batch(self) -> wire.Batch:
        self._sequence += 1
        now = time.perf_counter_ns()
        first = (self._sequence - 1) * self._rows + 1
        rows = [
            wire.Row(
                first + place, 0, place, place % _TASKS, place % _RESOURCES, 0, 1 + place, 1_000, 50_000, 700, PLAIN
            )
            for place in range(self._rows)
        ]
        return wire.Batch(
            version=wire.VERSION,
            process=self._process,
            sequence=self._sequence,
            clock_offset_ns=time.time_ns() - now,
            base_ns=now,
            sites=[wire.Site("soak.py", 1, "main", "pool.acquire()")],
            resources=[wire.Resource(number + 1, "soak.Pool", f"pool {number}", 10) for number in range(_RESOURCES)],
            tasks=[
                wire.Task(number + 1, f"worker-{number}", "work", "task", 0, 0, None, None) for number in range(_TASKS)
            ],
            traces=[wire.Trace(number) for number in range(first, first + self._rows)],
            exceptions=[],
            rows=rows,
        )


async def watch(session: aiohttp.ClientSession, url: str, until_s: float) -> int:
    """An open page: everything now, as the dashboard asks for it. Answers how many messages came."""
    messages = 0
    async with session.ws_connect(f"{url}/api/live", max_msg_size=0) as socket:
        await socket.send_str('{"type":"subscribe","lens":{}}')
        while time.monotonic() < until_s:
            try:
                async with asyncio.timeout(5):
                    await socket.receive()
            except TimeoutError:
                continue
            messages += 1
    return messages


async def measure(session: aiohttp.ClientSession, collector: Collector, started: float) -> Sample:
    """What the collector has and does now (Linux: it reads /proc)."""
    asked = time.monotonic()
    async with session.get(f"{collector.url}/healthz") as answer:
        await answer.read()
    now = time.monotonic()
    return _look(collector, now - started, (now - asked) * 1_000)


def _look(collector: Collector, at_s: float, health_ms: float) -> Sample:
    status = Path(f"/proc/{collector.process.pid}/status").read_text()
    memory = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    fields = Path(f"/proc/{collector.process.pid}/stat").read_text().rpartition(")")[2].split()
    disk = sum(file.stat().st_size for file in collector.store.parent.glob("store.sqlite*"))
    return Sample(
        at_s,
        memory / 1_000,
        (int(fields[11]) + int(fields[12])) / _TICKS,
        disk / 1e6,
        len(list(collector.descriptors())),
        health_ms,
    )


async def soak(minutes: float, rate: int, max_size: str) -> dict[str, object]:
    """Run it; answer the figures by name."""
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory(prefix="soak-") as directory:
        collector = Collector(Path(directory), "--max-size", max_size)
        try:
            async with aiohttp.ClientSession() as session:
                started = time.monotonic()
                until = started + minutes * 60
                sender = Sender(rate)
                sending = asyncio.create_task(sender.run(session, collector.url, until))
                watching = asyncio.create_task(watch(session, collector.url, until))
                while time.monotonic() < until:
                    await asyncio.sleep(min(_SAMPLE_S, max(0.1, until - time.monotonic())))
                    samples.append(await measure(session, collector, started))
                    print(samples[-1], f"stored {sender.stored:,}", flush=True)
                await sending
                messages = await watching
        finally:
            collector.close()
    settled = samples[len(samples) // 3 :]
    hours = [sample.at_s / 3_600 for sample in settled]

    def slope(name: str) -> float:
        return linear_regression(hours, [getattr(sample, name) for sample in settled]).slope

    elapsed = samples[-1].at_s
    return {
        "minutes": round(elapsed / 60, 1),
        "lifecycles stored": sender.stored,
        "stored a second": round(sender.stored / elapsed),
        "batches refused and sent again": sender.refused,
        "live messages": messages,
        "memory at the end, MB": round(samples[-1].memory_mb),
        "slope of memory, MB an hour": round(slope("memory_mb"), 1),
        "processor, cores": round(slope("cpu_s") / 3_600, 3),
        "on the disk at the end, MB": round(samples[-1].disk_mb),
        "slope on the disk, MB an hour": round(slope("disk_mb"), 1),
        "slope of open files, an hour": round(slope("files"), 1),
        "worst /healthz, ms": round(max(sample.health_ms for sample in samples)),
    }


def main() -> int:
    """Carry out what the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.qualification.reliability.soak", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=int, default=5_000, help="lifecycles a second (default: 5000)")
    parser.add_argument("--max-size", default="200MB", help="of the store (default: 200MB)")
    parser.add_argument("--write", action="store_true", help="store the figures in docs/ and renew the page")
    options = parser.parse_args()
    figures = asyncio.run(soak(options.minutes, options.rate, options.max_size))
    for name, value in figures.items():
        print(f"{name}: {value}")
    if options.write:
        page.keep_soak(figures, f"--minutes {options.minutes:g} --rate {options.rate} --max-size {options.max_size}")
        page.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
