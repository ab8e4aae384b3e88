"""Faults put into real processes, in short: ``make faults`` has more of them, and runs each with both probes."""

import pytest
from scripts.faults.__main__ import carry_out
from scripts.faults.judging import Stored, Told, judge
from scripts.faults.programs import Count, Done
from scripts.faults.scenarios import TABLE

from tenure import native

SHORT = [one for one in TABLE.values() if one.short]
DONE = Done(7, "done\n", "", [], 1.0, Count(2, [1, 2], []))
STORED = Stored(lifecycles=2, closed=2, repeated=0, dropped=0, holds_ns=[1, 1], counted=2)


@pytest.mark.parametrize("one", SHORT, ids=[one.name for one in SHORT])
def test_the_program_is_as_without_a_recording_and_the_record_is_as_promised(one):
    """Output and exit code are the program's; nothing is lost but what is counted or announced, nothing is twice."""
    told = carry_out(one, native.NAME)
    assert told.wrong == []
    assert 0 < told.stored <= told.entered


def test_what_is_as_promised_is_told_with_its_figures():
    """Entered by the program's own count; stored and dropped by the collector's."""
    assert judge(DONE, DONE, STORED) == Told(2, 2, 0, [])


@pytest.mark.parametrize(
    ("recorded", "stored", "wrong"),
    [
        (
            DONE._replace(status=0),
            STORED,
            "the program came to (0, 'done\\n', '', []), as it is to (7, 'done\\n', '', [])",
        ),
        (DONE, STORED._replace(lifecycles=1, closed=1, counted=1), "1 are missing and 0 are counted as dropped"),
        (DONE, STORED._replace(repeated=1), "0 more than were entered, 1 are there twice"),
        (DONE, STORED._replace(lifecycles=3, closed=3, counted=3), "1 more than were entered, 0 are there twice"),
        (DONE, STORED._replace(counted=3), "the store counts 3 where it has 2"),
        (DONE, STORED._replace(closed=1), "1 are still open"),
        (
            DONE._replace(said=["tenure: a", "tenure: b"]),
            STORED,
            "Tenure said more than one line: ['tenure: a', 'tenure: b']",
        ),
    ],
)
def test_what_is_not_as_promised_is_found(recorded, stored, wrong):
    """Each by its own line, with the figures."""
    assert judge(DONE, recorded, stored).wrong == [wrong]


def test_a_scenario_in_which_nothing_was_recorded_is_no_success():
    """However equal the program was."""
    done = DONE._replace(own=Count(0, [], []))
    assert judge(done, done, Stored(0, 0, 0, 0, [], 0)).wrong == ["nothing was recorded, so nothing was tried"]
