"""Random histories of a store, with wrong clocks, deaths and retention; after every step everything in it is read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tests.qualification.reliability.experiment import Experiment, Measured
from tests.qualification.reliability.histories import FOLLOWER, Clock, History
from tests.qualification.reliability.integrity import faults
from tests.qualification.reliability.readers import read_everything

from tenure_server.background.lanes import Deadline
from tenure_server.store.sqlite import SqliteStore
from tenure_server.store.sqlite.file.arrivals import Arrivals

_STEPS = 200  # of one history
_HISTORIES = 20
_SHORT_STEPS = 60


def run(short: bool, seed: int, mutated: bool) -> Measured:
    """One short history, or many long ones; a mutated one ends at the first fault."""
    random = Random(seed)
    total = _Total()
    with _unbounded_clocks() if mutated else nullcontext():
        for number in range(1 if short else _HISTORIES):
            steps = _SHORT_STEPS * (5 if mutated else 1) if short else _STEPS
            asyncio.run(_live(random, steps, total, wild=short or number % 4 > 0, until_wrong=mutated))
    numbers: dict[str, int | float | str] = {
        "reads": total.reads,
        "rows stored": total.written,
        "rows kept": total.kept,
        "rows deleted by retention": total.written - total.kept,
    }
    return Measured(total.steps, total.wrong, numbers)


class _Total:
    def __init__(self) -> None:
        self.steps = self.reads = self.written = self.kept = 0
        self.wrong: list[str] = []


async def _live(random: Random, steps: int, total: _Total, *, wild: bool, until_wrong: bool) -> None:
    with TemporaryDirectory() as directory:
        clock = Clock()
        store = SqliteStore(Path(directory) / "store.sqlite", clock)
        history = History(random, store, clock, wild=wild)
        wrong: list[str] = []
        try:
            for _ in range(steps):
                step = await history.step()
                total.steps += 1
                try:
                    reads, wrong = await read_everything(store, clock(), FOLLOWER)
                except Exception as error:  # noqa: BLE001 -- that is what is looked for
                    reads, wrong = 0, [f"a reader failed: {error!r}"]
                total.reads += reads
                wrong += history.wrong + store._read_now(lambda reading: faults(reading.connection), Deadline(60))
                history.wrong.clear()
                if until_wrong:  # what the mutant does itself is no finding
                    wrong = [sentence for sentence in wrong if not sentence.startswith("arrivals:")]
                total.wrong += [f"after {step}: {sentence}" for sentence in wrong]
                if until_wrong and wrong:
                    break
        finally:
            total.written += history.written
            total.kept += len(history.came)
            await store.close()


@contextmanager
def _unbounded_clocks() -> Iterator[None]:
    """Retention goes by what rows say of time, as it did once."""
    write = Arrivals.write

    def by_own_times(self: Arrivals, now_ns: int) -> None:
        connection = self._connection
        listed = ",".join(map(str, self._noted))
        sql = f"SELECT min(acquire_ns) FROM lifecycles WHERE key IN ({listed})"
        (began_ns,) = connection.execute(sql).fetchone()
        write(self, now_ns if began_ns is None else began_ns)

    Arrivals.write = by_own_times  # type: ignore[method-assign]
    try:
        yield
    finally:
        Arrivals.write = write  # type: ignore[method-assign]


EXPERIMENT = Experiment(
    name="retention",
    claim="No reader fails, no reference leads nowhere, and nothing acknowledged is deleted before its age by arrival,"
    " whatever the clocks of programs say",
    run=run,
    mutant="clock bound off: a row's age is what it says itself",
)
