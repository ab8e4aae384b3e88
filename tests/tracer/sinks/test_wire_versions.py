"""Which version of batches the tracer ships, and what it does where the collector is older."""

from __future__ import annotations

import pytest
from tests.support.waiting import until_blocking
from tests.tracer.support.fake_collectors import batch, serving

from tenure import wire
from tenure._sinks import collector_sink
from tenure._sinks.collector_sink import CollectorSink


def test_columns_are_shipped_where_c_writes_them() -> None:
    """A Python probe ships version 1, which costs it less."""
    with serving() as server:
        sink = CollectorSink(server.url)
        sink.send(batch(1))
        until_blocking(lambda: server.received)
        sink.pause()
    assert server.versions == [2 if wire.has_native_columns else 1]
    assert server.received == [batch(1)]


@pytest.mark.parametrize("native", [True, False])
def test_both_kinds_of_tracers_are_understood(native: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever is built here."""
    monkeypatch.setattr(wire, "has_native_columns", native)
    with serving() as server:
        sink = CollectorSink(server.url)
        sink.send(batch(1))
        until_blocking(lambda: server.received)
        sink.pause()
    assert server.versions == [2 if native else 1]
    assert server.received == [batch(1)]


def test_an_older_collector_gets_everything_as_version_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is queued is encoded again, what follows is version 1 at once, and one line says so."""
    said: list[str] = []
    monkeypatch.setattr(collector_sink, "say", said.append)
    monkeypatch.setattr(wire, "has_native_columns", True)
    with serving(reads=wire.VERSION) as server:
        sink = CollectorSink(server.url)
        sink.pause()
        for sequence in range(1, 4):
            sink.send(batch(sequence))
        sink.resume()
        until_blocking(lambda: len(server.received) == 3)
        sink.send(batch(4))
        until_blocking(lambda: len(server.received) == 4 and not sink._queue)
        assert [loss.lifecycles for loss in sink.lost()] == [0, 0, 0]
        child = sink.fork()
        child.send(batch(5))
        until_blocking(lambda: len(server.received) == 5)
        child.pause()
        sink.pause()
    assert server.versions == [2, 1, 1, 1, 1, 1]
    assert server.received == [batch(sequence) for sequence in range(1, 6)]
    assert sink._bytes == 0
    line = (
        f"collector at {server.url} reads only version 1 of batches; "
        f"it gets version 1 from now on, and nothing is lost (update tenure-server)"
    )
    assert said == [line]


def test_a_collector_that_refuses_version_1_too_gets_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the batch is refused as any other: counted, said, and not sent again."""
    said: list[str] = []
    monkeypatch.setattr(collector_sink, "say", said.append)
    monkeypatch.setattr(wire, "has_native_columns", True)
    with serving(reads=0) as server:
        sink = CollectorSink(server.url)
        sink.send(batch(1))
        until_blocking(lambda: not sink._queue)
        sink.pause()
    assert server.versions == [2, 1]
    assert [loss.lifecycles for loss in sink.lost()] == [0, 1, 0]
    assert len(said) == 2
