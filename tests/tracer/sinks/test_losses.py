"""Each lost lifecycle is counted once, and the losses are reported in one line at the end, by reason."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.support.waiting import until_blocking
from tests.tracer.support import programs
from tests.tracer.support.fake_collectors import ROW, Memory, batch, free_port, listening, serving

from tenure import wire
from tenure._core import buffer, faults
from tenure._sinks import collector_sink, losses
from tenure._sinks import shipper as shipping
from tenure._sinks.collector_sink import CollectorSink
from tenure._sinks.losses import BatchContent, Loss, Undelivered
from tenure._sinks.wait_budget import WaitBudget

PROGRAM = """
import asyncio, os, sys
class Manager:
    async def __aenter__(self): return self
    async def __aexit__(self, *details): pass
async def work(times):
    for _ in range(times):
        async with Manager(): pass
"""


@pytest.fixture(autouse=True)
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What Tenure says on stderr."""
    lines: list[str] = []
    for module in (collector_sink, shipping):
        monkeypatch.setattr(module, "say", lines.append)
    buffer.clear()
    yield lines
    buffer.clear()


def opened(number: int) -> BatchContent:
    return BatchContent(0, frozenset(), frozenset({number}))


def test_a_lifecycle_of_which_one_batch_came_is_lost_by_its_closing_alone() -> None:
    """Opened and delivered, opened and lost, closed and lost: each lifecycle counts at most once."""
    undelivered = Undelivered()
    undelivered.deliver(opened(1))
    undelivered.lose("away", opened(2))
    undelivered.lose("away", opened(3))
    assert (undelivered.counts, undelivered.lost_with()) == ({}, 2)
    undelivered.deliver(BatchContent(1, frozenset({2}), frozenset()))
    undelivered.lose("away", BatchContent(2, frozenset({3}), frozenset()))
    assert (undelivered.counts, undelivered.lost_with()) == ({"away": 2}, 0)
    assert undelivered.lost_with([opened(1), opened(4), BatchContent(5, frozenset({4}), frozenset({6}))]) == 6


def test_a_batch_says_which_lifecycles_it_tells_of() -> None:
    """By their rows: closed ones, those of them that were sent before, and open ones."""
    open_row = wire.Row(2, 0, 0, 0, 0, 0, 0, 1, wire.NOT_REACHED, wire.NOT_REACHED, wire.OK)
    resent = msgspec.structs.replace(ROW, id=3, outcomes=ROW.outcomes | wire.RESENT)
    mixed = msgspec.structs.replace(batch(1), rows=[ROW, open_row, resent])
    assert losses.content_of(mixed) == BatchContent(2, frozenset({3}), frozenset({2}))


def test_what_is_lost_is_one_sentence() -> None:
    """By reason; nothing where nothing is lost."""
    assert losses.summary_line([Loss(0, "no reason")]) == ""
    assert (
        losses.summary_line([Loss(1, "a reason"), Loss(0, "no reason"), Loss(5, "another")])
        == "1 lifecycle was lost: a reason; 5 lifecycles were lost: another"
    )


def test_a_loss_after_an_outage_that_was_said_is_said_too(said: list[str]) -> None:
    """One line for the outage, and one at the end with the number."""
    url = f"http://127.0.0.1:{free_port()}"
    shipper = shipping.Shipper("service", [CollectorSink(url)])
    sink = shipper._sinks[0]
    sink.send(batch(1, rows=7))
    until_blocking(lambda: sink._failures)
    shipper.close()
    assert len(said) == 2
    assert said[0].startswith(f"collector at {url} does not answer")
    assert said[1] == (
        f"7 lifecycles were lost: the collector at {url} did not accept them before the program exited (is it running?)"
    )


class Full(Memory):
    def send(self, batch: wire.Batch) -> None:
        raise OSError("No space left on device")


def test_each_reason_and_each_sink_is_in_the_line(said: list[str]) -> None:
    """A full buffer, a sink that broke and a collector that never answers; the sinks do not count for one another."""
    memory = Memory()
    with listening(None) as url:
        shipper = shipping.Shipper("service", [Full(), memory, CollectorSink(url)])
        faults.drop("buffer full", 2)
        shipper._send(batch(1, rows=3))
        shipper.close()
    assert said[-1] == (
        "2 lifecycles were lost: the buffer was full (the program enters managers faster than Tenure can ship them); "
        f"3 lifecycles were lost: the collector at {url} did not accept them before the program exited"
        " (is it overloaded?); "
        "3 lifecycles were lost: the full could not be written (No space left on device)"
    )
    assert memory.batches[-1].dropped == {"buffer full": 2}


def test_a_batch_that_may_be_stored_is_not_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that was tried stays while later ones are pushed out: it would count as lost and be there."""
    size = len(wire.encode(batch(1, rows=10)))
    monkeypatch.setattr(collector_sink, "MAX_QUEUED_BYTES", size * 2)
    with listening(None) as url:
        sink = CollectorSink(url)
        sink.send(batch(1, rows=10))
        until_blocking(lambda: sink._tried)
        for sequence in (2, 3, 4):
            sink.send(batch(sequence, rows=10))
        assert [wire.decode(data).sequence for data, _ in sink._queue] == [1, 4]
        assert [loss.lifecycles for loss in sink.lost()] == [20, 0, 20]
        sink.pause()


def test_what_the_batch_that_stays_opened_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its closing is pushed out behind it: one lifecycle is lost, not two."""
    open_row = msgspec.structs.replace(ROW, id=7, release_ns=wire.NOT_REACHED)
    closing = msgspec.structs.replace(ROW, id=7, outcomes=ROW.outcomes | wire.RESENT)
    monkeypatch.setattr(collector_sink, "MAX_QUEUED_BYTES", 10)
    with listening(None) as url:
        sink = CollectorSink(url)
        sink.send(msgspec.structs.replace(batch(1), rows=[open_row]))
        until_blocking(lambda: sink._tried)
        for sequence, rows in ((2, [closing]), (3, [])):
            sink.send(msgspec.structs.replace(batch(sequence), rows=rows))
        assert [loss.lifecycles for loss in sink.lost()] == [1, 0, 0]
        sink.pause()


def test_the_wait_budget_is_spent_and_refilled() -> None:
    """Two seconds at most, less what was waited, and 5 % of the time that passes."""
    now = [0.0]
    wait_budget = WaitBudget(lambda: now[0])
    assert wait_budget.remaining() == 2.0
    wait_budget.spend(1.5)
    assert wait_budget.remaining() == 0.5
    wait_budget.spend(3.0)
    assert wait_budget.remaining() == 0.0
    now[0] += 60.0
    assert wait_budget.remaining() == pytest.approx(0.5)
    now[0] += 1_000.0
    assert wait_budget.remaining() == 2.0


@pytest.mark.parametrize("stderr", ["open", "closed"])
def test_what_a_program_loses_is_said_if_there_is_anybody_to_hear_it(stderr: str, tmp_path: Path) -> None:
    """After an outage that was said before; its status is its own, also with no stderr."""
    close = "os.close(2)" if stderr == "closed" else "pass"
    outage = "import time; time.sleep(0.5)"  # several times the interval of shipping
    programs.write(tmp_path, app=PROGRAM + f"asyncio.run(work(3))\n{outage}\n{close}\nsys.exit(5)")
    done = programs.tenure(tmp_path, "run", "--collector", programs.NOWHERE, "app.py")
    lost = (
        f"tenure: 3 lifecycles were lost: the collector at {programs.NOWHERE} did not accept them before the program"
        " exited (is it running?)\n"
    )
    assert done == (5, "", programs.NO_ANSWER + (lost if stderr == "open" else ""))


def test_a_forked_child_says_its_own(tmp_path: Path) -> None:
    """Each process says what it lost itself; one that ends by os._exit says nothing."""
    programs.write(
        tmp_path,
        app=PROGRAM
        + """
asyncio.run(work(2))
for times, leave in ((3, sys.exit), (4, os._exit)):
    child = os.fork()
    if not child:
        asyncio.run(work(times))
        leave(0)
    os.waitpid(child, 0)
""",
    )
    done = programs.tenure(tmp_path, "run", "--collector", programs.NOWHERE, "app.py")
    lost = [line.partition(" lost:")[0] for line in done.stderr.splitlines() if "lost" in line]
    assert lost == ["tenure: 3 lifecycles were", "tenure: 2 lifecycles were"]


def test_a_program_that_loses_nothing_says_nothing(tmp_path: Path) -> None:
    """Whether its collector is slow or not."""
    programs.write(tmp_path, app=PROGRAM + "asyncio.run(work(100))")
    with serving() as server:
        assert programs.tenure(tmp_path, "run", "--collector", server.url, "app.py") == (0, "", "")
