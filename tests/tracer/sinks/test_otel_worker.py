"""The thread between the shipping thread and OpenTelemetry."""

import threading

import pytest
from tests.tracer.support.fake_collectors import batch

from tenure._core import buffer, faults
from tenure._sinks.otel import worker
from tenure._sinks.otel.worker import Worker


class Noting(Worker):
    """Notes the sequences of batches, as soon as it may."""

    def __init__(self, *, may=True, error=None):
        self.taken = []
        self.may = threading.Event()
        self.began = threading.Event()
        self.error = error
        if may:
            self.may.set()
        super().__init__()

    def take(self, batch):
        self.began.set()
        self.may.wait(10)
        self.taken.append(batch.sequence)
        if self.error:
            error, self.error = self.error, None
            raise error

    def interrupt(self):
        self.may.set()


@pytest.fixture(autouse=True)
def _no_drops():
    buffer.clear()
    yield
    buffer.clear()


def test_what_is_queued_is_done_when_it_is_closed():
    """In its order."""
    noting = Noting()
    for sequence in range(1, 50):
        noting.send(batch(sequence))
    noting.close(5)
    assert noting.taken == list(range(1, 50))
    assert faults.dropped == {}


def test_what_does_not_fit_pushes_the_oldest_out_and_is_counted(monkeypatch):
    """Only what waits counts: what is being done is done."""
    monkeypatch.setattr(worker, "MAX_QUEUED_ROWS", 10)
    noting = Noting(may=False)
    noting.send(batch(1, rows=4))
    assert noting.began.wait(5)
    for sequence in (2, 3, 4, 5):
        noting.send(batch(sequence, rows=4))
    noting.may.set()
    noting.close(5)
    assert noting.taken == [1, 4, 5]
    assert [loss.lifecycles for loss in noting.lost()] == [8, 0]


def test_a_processor_that_raises_costs_its_batch_and_nothing_else(caplog):
    """The program's processors may do anything."""
    noting = Noting(error=RuntimeError("a bug of the program's"))
    noting.send(batch(1))
    noting.send(batch(2))
    noting.close(5)
    assert noting.taken == [1, 2]
    assert faults.dropped == {"fault": 1}


def test_a_pause_keeps_what_is_queued():
    """While the process forks no thread runs; afterwards everything is done."""
    noting = Noting(may=False)
    noting.send(batch(1))
    assert noting.began.wait(5)
    noting.send(batch(2))
    noting.pause()
    assert noting.taken == [1]
    assert not noting._thread.is_alive()
    noting.resume()
    noting.close(5)
    assert noting.taken == [1, 2]


def test_a_close_does_not_wait_for_longer_than_it_may():
    """The process wants to end."""
    noting = Noting(may=False)
    noting.send(batch(1))
    assert noting.began.wait(5)
    noting.send(batch(2, rows=3))
    noting.close(0.05)
    assert [loss.lifecycles for loss in noting.lost()] == [0, 3]
    assert noting.may.is_set()  # it was interrupted


def test_who_settles_waits_until_all_is_done_and_it_goes_on():
    """True where all was done in time; batches may follow."""
    noting = Noting(may=False)
    noting.send(batch(1))
    assert noting.began.wait(5)
    assert not noting.settle(0.01)
    noting.may.set()
    assert noting.settle(5)
    noting.send(batch(2))
    noting.close(5)
    assert noting.taken == [1, 2]
