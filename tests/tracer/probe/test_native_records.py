"""The native probe's records are small, and are updated in place."""

import asyncio
import gc
import time
import weakref

from tests.tracer.support.coroutine_driver import Connection, enter, finish

from tenure import _probe


def test_records_are_as_small_as_promised() -> None:
    """64 bytes a closed and 160 an open record are the marks."""
    assert _probe.CLOSED_BYTES <= 64
    assert _probe.OPEN_BYTES <= 160


def test_its_clock_is_perf_counter(patched) -> None:
    """Tasks are stamped by Python, lifecycles by C: both must read the same clock."""
    _probe.set_clock(None)
    before = time.perf_counter_ns()
    finish(enter(Connection()))
    after = time.perf_counter_ns()
    (record,) = (entry for entry in _probe.drain() if isinstance(entry, list))
    assert before <= record[3] <= record[4] <= after


def test_an_open_record_is_brought_up_to_date_where_it_lies(patched) -> None:
    """The ledger reads the list that it was given; a record that closes in the meantime is not given twice."""
    outer, inner = enter(Connection()), enter(Connection())
    outer.send(None)
    (first,) = _probe.drain()[-1:]
    inner.send(None)
    finish(inner)
    finish(outer)
    (second,) = (entry for entry in _probe.drain() if isinstance(entry, list))
    assert first is not second
    assert [bool(record[4]) for record in (first, second)] == [True, True]
    assert first[3] < second[3]


def test_records_come_in_the_order_of_their_acquires(patched) -> None:
    """The ledger finds parents by it; closed ones, open ones and tasks lie in different places until then."""
    app = patched.load(
        """
        class Manager:
            async def __aenter__(self): return self
            async def __aexit__(self, *details): return False
        async def main(fail):
            async with Manager():
                async with Manager(): pass
                try:
                    async with Manager(): raise KeyError
                except KeyError: pass
                async with Manager(): pass
                await fail
        """
    )
    future = asyncio.Future(loop=asyncio.new_event_loop())
    coroutine = app.main(future)
    coroutine.send(None)
    records = [entry for entry in _probe.drain() if isinstance(entry, list)]
    coroutine.close()
    future.get_loop().close()
    assert [record[3] for record in records] == sorted(record[3] for record in records)
    assert [bool(record[6]) for record in records] == [False, True, True, True]


def test_managers_that_are_entered_and_never_left_are_not_kept(patched) -> None:
    """Nor does their memory, given to another object, make that one look entered."""
    references = []
    for _ in range(3_000):
        manager = Connection()
        finish(manager.__aenter__())
        references.append(weakref.ref(manager))
        del manager
    gc.collect()
    assert [reference() for reference in references] == [None] * 3_000
    finish(Connection().__aexit__(None, None, None))
    assert {seen.outcomes for seen in patched.lifecycles()} == {"ok - -"}
