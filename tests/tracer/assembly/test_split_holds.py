"""Holds that are given up for a while, as the ledger splits them."""

import pytest

from tenure import wire
from tenure._assembly.given_up import GivenUp, Wanted
from tenure._assembly.ledger import Ledger
from tenure._core.record_layout import ACQUIRED, RELEASE, RELEASED
from tenure._identify import tracer
from tenure.testing import PROCESS, lifecycles_of

SITE = "app.py\x1f3\x1fmain\x1fready\x1f"
AGAIN = "app.py\x1f4\x1fmain\x1fready.wait()\x1f\x1facquire"


def record(acquire, acquired=0, release=0, released=0, resource=7):
    return [SITE, 1, resource, acquire, acquired, release, released, None, None, 0]


def spans(batches):
    """Each row's last state: id, parent, and the instants that were reached."""
    rows = {}
    for batch in batches:
        assert wire.decode(wire.encode(batch)) == batch
        for use in lifecycles_of(batch):
            instants = [use.acquire]
            for length in (use.wait, use.hold, use.release):
                if length is not None:
                    instants.append(instants[-1] + length)
            rows[use.id] = use.parent, instants
    return rows


@pytest.fixture
def ledger():
    tracer.current.given_up.clear()
    yield Ledger(PROCESS)
    tracer.current.given_up.clear()


def flush(ledger, *entries, **options):
    ledger.add_entries(entries)
    return ledger.batches(0, {}, **options)


def test_a_hold_that_is_given_up_ends_there(ledger):
    """What is open between is neither held nor wanted."""
    hold = record(10, 11)
    given_up = GivenUp(1, 7, AGAIN, 20)
    assert spans(flush(ledger, hold, given_up)) == {1: (0, [10, 11, 20, 20])}
    given_up.wanted_ns = 30
    assert spans(flush(ledger, Wanted(given_up))) == {2: (1, [30])}
    given_up.regained_ns = 35
    assert spans(flush(ledger)) == {2: (1, [30, 35])}
    hold[RELEASE] = 40
    assert spans(flush(ledger)) == {2: (1, [30, 35, 40])}
    hold[RELEASED] = 41
    assert spans(flush(ledger)) == {2: (1, [30, 35, 40, 41])}
    assert flush(ledger) == []


def test_a_hold_may_be_given_up_again_and_again(ledger):
    """Each round ends one lifecycle and begins the next; all of them hang where the first one does."""
    outer = record(1, 2, resource=5)
    hold = record(10, 11)
    rounds = [GivenUp(1, 7, AGAIN, 20), GivenUp(1, 7, AGAIN, 40)]
    for number, given_up in enumerate(rounds):
        given_up.wanted_ns, given_up.regained_ns = 30 + 20 * number, 31 + 20 * number
    hold[RELEASE], hold[RELEASED] = 60, 61
    entries = [outer, hold, rounds[0], Wanted(rounds[0]), rounds[1], Wanted(rounds[1])]
    assert spans(flush(ledger, *entries)) == {
        1: (0, [1, 2]),
        2: (1, [10, 11, 20, 20]),
        3: (1, [30, 31, 40, 40]),
        4: (1, [50, 51, 60, 61]),
    }


def test_a_hold_that_closes_after_the_drain_waits_for_the_next_one(ledger):
    """Its record says closed already, and the entry that it was given up is not drained yet."""
    hold = record(10, 11)
    flush(ledger, hold)
    tracer.current.given_up.add(7)
    given_up = GivenUp(1, 7, AGAIN, 20)
    given_up.wanted_ns, given_up.regained_ns = 30, 35
    hold[RELEASE], hold[RELEASED] = 40, 41
    assert flush(ledger) == []
    assert spans(flush(ledger, given_up, Wanted(given_up))) == {1: (0, [10, 11, 20, 20])}
    assert spans(flush(ledger)) == {2: (1, [30, 35, 40, 41])}


def test_what_is_not_given_up_is_shipped_one_flush_later(ledger):
    """The last batch waits for nothing."""
    tracer.current.given_up.add(7)
    assert flush(ledger, record(10, 11, 12, 13)) == []
    assert spans(flush(ledger)) == {1: (0, [10, 11, 12, 13])}
    assert spans(flush(ledger, record(20, 21, 22, 23), final=True)) == {2: (0, [20, 21, 22, 23])}


def test_a_lock_that_is_not_regained_was_never_held_again(ledger):
    """The frames are gone: the second lifecycle is an acquire that failed."""
    hold = record(10, 11)
    given_up = GivenUp(1, 7, AGAIN, 20)
    given_up.wanted_ns = 30
    hold[RELEASE], hold[RELEASED] = 40, 41
    rows = spans(flush(ledger, hold, given_up, Wanted(given_up)))
    assert rows == {1: (0, [10, 11, 20, 20]), 2: (1, [30, 41])}


@pytest.mark.parametrize("hold", [record(10, 11, resource=8), record(10), record(10, 11, 12, 13), record(25, 26)])
def test_what_is_not_the_hold_is_not_split(ledger, hold):
    """Another resource, not acquired, released before, or acquired later."""
    given_up = GivenUp(1, 7, AGAIN, 20)
    given_up.wanted_ns = 30
    before = list(hold)
    flush(ledger, hold, given_up, Wanted(given_up))
    assert hold == before
    assert len(ledger._open) + (before[RELEASED] != 0) == 1


def test_where_the_end_was_lost_the_hold_is_one(ledger):
    """The buffer was full, which is counted."""
    given_up = GivenUp(1, 7, AGAIN, 20)
    given_up.wanted_ns = 30
    assert spans(flush(ledger, record(10, 11), Wanted(given_up))) == {1: (0, [10, 11])}


def test_nothing_is_kept_of_a_split_that_is_over(ledger):
    """Neither when it was shipped closed, nor when the lock is never wanted again."""
    for is_regained in (True, False):
        hold, given_up = record(10, 11), GivenUp(1, 7, AGAIN, 20)
        flush(ledger, hold, given_up)
        if is_regained:
            given_up.wanted_ns, given_up.regained_ns = 30, 31
            flush(ledger, Wanted(given_up))
        hold[RELEASE], hold[RELEASED] = 40, 41
        assert hold[ACQUIRED] == 11
        flush(ledger)
        flush(ledger, heartbeat=True)
        splits = ledger._split_holds
        assert (splits._splits, splits._continued, ledger._open) == ({}, {}, {})
