"""The collector is killed again and again under load: what it acknowledged is stored, once."""

from __future__ import annotations

import http.client
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.qualification.faults.collector import Collector
from tests.qualification.reliability.experiment import Experiment, Measured

from tenure import wire
from tenure._assembly.snapshot import PLAIN

_SENDERS, _ROWS = 3, 20
_KIND = "kills.Held"
_DEDUPE_OFF = """
from tenure_server.store.sqlite.write import interning, writer
interning.KnownProcess.has_batch = lambda known, sequence: False
writer.Writer._stored = lambda self, wanted: {}
"""


class _Patched(Collector):
    """A collector whose process begins with these lines."""

    def __init__(self, directory: Path, lines: str) -> None:
        self._patch = directory / "patch"
        self._patch.mkdir()
        (self._patch / "sitecustomize.py").write_text(lines)
        super().__init__(directory)

    def another(self, port: int, store: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tenure", "serve", "--port", str(port), "--store", f"sqlite:///{store}"]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TENURE_")}
        environment = {**kept, "PYTHONPATH": str(self._patch)}
        return subprocess.Popen(command, env=environment, stdout=self._log, stderr=self._log)


class _Sender(threading.Thread):
    """Sends batches one after another, each until it is acknowledged; some are sent once more after that."""

    def __init__(self, port: int, seed: int) -> None:
        super().__init__(daemon=True)
        self.acknowledged: set[str] = set()
        self.ambiguous = self.repeated = 0  # rows: sent without an answer; sent again although acknowledged
        self.refused: list[str] = []
        self._unanswered = 0  # requests that began and got no answer
        self.is_over = threading.Event()
        self._port, self._random = port, random.Random(seed)  # no secret
        self._process = wire.Process(self._random.randbytes(16), f"sender-{seed}", "host", seed, "3.11.0", 0)

    def run(self) -> None:
        sequence = 0
        while not self.is_over.is_set():
            sequence += 1
            data = wire.encode(self._batch(sequence))
            before = self._unanswered
            while not self._post(data):
                time.sleep(0.02)
            self.ambiguous += _ROWS * (self._unanswered > before)
            ids = range((sequence - 1) * _ROWS + 1, sequence * _ROWS + 1)
            self.acknowledged.update(f"{self._process.id.hex()}-{number}" for number in ids)
            if self._random.random() < 0.1:  # as if this answer had been lost on its way
                self.repeated += _ROWS
                self._post(data)
            time.sleep(self._random.uniform(0, 0.04))

    def _post(self, data: bytes) -> bool:
        """Whether it was acknowledged. A refusal is none, and is noted."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        try:
            connection.connect()
        except OSError:
            return False
        try:
            connection.request("POST", "/v1/lifecycles", data, {"Content-Type": wire.CONTENT_TYPE})
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            self._unanswered += 1
            return False
        finally:
            connection.close()
        if 400 <= answer.status < 500 and answer.status != 429:
            self.refused.append(f"{answer.status} {body[:200]!r}")
        return answer.status == 200

    def _batch(self, sequence: int) -> wire.Batch:
        now = time.perf_counter_ns()
        first = (sequence - 1) * _ROWS + 1
        return wire.Batch(
            version=wire.VERSION,
            process=self._process,
            sequence=sequence,
            clock_offset_ns=time.time_ns() - now,
            base_ns=now,
            sites=[wire.Site("kills.py", 1, "main", "held")],
            resources=[wire.Resource(1, _KIND, "held", None)],
            tasks=[wire.Task(1, "main", "main", "task", 0, 0, None, None)],
            traces=[wire.Trace(number) for number in range(first, first + _ROWS)],
            exceptions=[],
            rows=[wire.Row(first + place, 0, place, 0, 0, 0, 1, 1, 1, 1, PLAIN) for place in range(_ROWS)],
        )


def run(short: bool, seed: int, mutated: bool) -> Measured:
    """Kill it 2 times, or 120, at random moments."""
    kills = 2 if short else 120
    chance = random.Random(seed)  # no secret
    with tempfile.TemporaryDirectory(prefix="kills-") as directory:
        collector = _Patched(Path(directory), _DEDUPE_OFF if mutated else "")
        senders = [_Sender(collector.port, seed * 1_000 + number) for number in range(_SENDERS)]
        try:
            for sender in senders:
                sender.start()
            for _ in range(kills):
                time.sleep(chance.uniform(0.1, 0.6))
                collector.kill()
                collector.start()
            time.sleep(0.3)
            for sender in senders:
                sender.is_over.set()
            for sender in senders:
                sender.join(30)
            stored = [item["id"] for item in collector.items("/api/lifecycles")]
            counted = sum(item["total"] for item in collector.items("/api/resources") if item["kind"] == _KIND)
        finally:
            for sender in senders:
                sender.is_over.set()
            collector.close()
    acknowledged = set().union(*(sender.acknowledged for sender in senders))
    lost = len(acknowledged - set(stored))
    twice = len(stored) - len(set(stored)) + max(counted - len(set(stored)), 0)
    wrong = [f"{lost} rows that were acknowledged are not stored"] if lost else []
    wrong += [f"{twice} rows are there or counted more than once"] if twice else []
    wrong += [f"a sender was refused: {said}" for sender in senders for said in sender.refused[:3]]
    wrong += ["a sender got no acknowledgement any more"] if any(sender.is_alive() for sender in senders) else []
    return Measured(
        len(acknowledged),
        wrong,
        {
            "kills": kills,
            "rows acknowledged": len(acknowledged),
            "lost": lost,
            "twice": twice,
            "ambiguous (sent, no answer)": sum(sender.ambiguous for sender in senders),
            "sent again though acknowledged": sum(sender.repeated for sender in senders),
        },
    )


EXPERIMENT = Experiment(
    "kills",
    "A row that the collector acknowledged is stored, and once, however often the collector is killed.",
    run,
    "dedupe off",
)
