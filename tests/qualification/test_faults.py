"""The short faults: ``make faults`` has more of them, and runs each with both probes."""

import pytest
from tests.qualification.faults.__main__ import carry_out
from tests.qualification.faults.program_run import Count, ProgramExit
from tests.qualification.faults.scenarios import TABLE
from tests.qualification.faults.verdict import GRACE_NS, Stored, Verdict, judge, lost_by

from tenure._core import probe_backend

SHORT = [scenario for scenario in TABLE.values() if scenario.short]
EXIT = ProgramExit(7, "done\n", "", [], 1.0, Count(2, [1, 2], []))
STORED = Stored(lifecycles=2, closed=2, repeated=0, dropped=0, holds_ns=[1, 1], counted=2)


@pytest.mark.parametrize("scenario", SHORT, ids=[scenario.name for scenario in SHORT])
def test_the_program_is_as_without_a_recording_and_the_record_is_as_promised(scenario):
    """Output and exit code are the program's; nothing is lost but what is said at its end, and nothing is twice."""
    verdict = carry_out(scenario, probe_backend.NAME)
    assert verdict.breaches == []
    assert 0 < verdict.stored <= verdict.entered


def test_what_is_as_promised_is_told_with_its_figures():
    """Entered by the program's own count; stored and dropped by the collector's."""
    assert judge(EXIT, EXIT, STORED) == Verdict(2, 2, 0, [])


def test_what_was_in_a_file_that_is_gone_is_neither_stored_nor_lost_twice():
    """It stands beside what is stored and what is said to be lost: exactly as much as is missing."""
    stored = STORED._replace(lifecycles=1, closed=1, counted=1)
    assert judge(EXIT, EXIT, stored, gone=1).breaches == []
    assert judge(EXIT, EXIT, STORED, gone=1).breaches == [
        "2 were entered, 2 are stored and closed, 0 are said to be lost, 1 are gone with the file"
    ]


@pytest.mark.parametrize(
    ("recorded", "stored", "wrong"),
    [
        (
            EXIT._replace(status=0),
            STORED,
            "the program came to (0, 'done\\n', '', []), as it is to (7, 'done\\n', '', [])",
        ),
        (
            EXIT,
            STORED._replace(lifecycles=1, closed=1, counted=1, dropped=1),
            "2 were entered, 1 are stored and closed, 0 are said to be lost",
        ),
        (
            EXIT._replace(messages=["tenure: 1 lifecycle was lost: the collector at x refused them (400)"]),
            STORED,
            "2 were entered, 2 are stored and closed, 1 are said to be lost",
        ),
        (
            EXIT,
            STORED._replace(lifecycles=1, closed=1, counted=1),
            "2 were entered, 1 are stored and closed, 0 are said to be lost",
        ),
        (EXIT, STORED._replace(dropped=1), "1 are counted as dropped, 0 are said to be lost"),
        (EXIT, STORED._replace(repeated=1), "0 more than were entered, 1 are there twice"),
        (EXIT, STORED._replace(lifecycles=3, counted=3), "1 more than were entered, 0 are there twice"),
        (EXIT, STORED._replace(counted=3), "the store counts 3 where it has 2"),
        (EXIT, STORED._replace(closed=1), "2 were entered, 1 are stored and closed, 0 are said to be lost"),
        (
            EXIT._replace(messages=["tenure: a", "tenure: b"]),
            STORED,
            "Tenure said more than 1 line: ['tenure: a', 'tenure: b']",
        ),
    ],
)
def test_what_is_not_as_promised_is_found(recorded, stored, wrong):
    """Each by its own line, with the figures."""
    assert judge(EXIT, recorded, stored).breaches == [wrong]


def test_what_is_said_to_be_lost_counts_for_its_own_sink():
    """The buffer's loss is everybody's; a recording does not make up for a collector, nor the other way round."""
    line = (
        "tenure: 1 lifecycle was lost: the buffer was full (why); 2 lifecycles were lost: the collector at x refused"
        " them (400); 3 lifecycles were lost: the recording could not be written (full)"
    )
    ended = EXIT._replace(messages=[line, "tenure: recording: full"])
    assert (lost_by(ended, "the collector"), lost_by(ended, "the recording")) == (3, 4)
    entered = ended._replace(own_count=Count(5, [1, 2], []))
    assert judge(entered, entered, STORED) == Verdict(5, 2, 3, [])


def test_what_a_killed_collector_stored_unanswered_may_be_said_to_be_lost():
    """So many more, where a scenario kills it; never fewer."""
    ended = EXIT._replace(messages=["tenure: 1 lifecycle was lost: the collector at x did not accept them"])
    assert judge(EXIT, ended, STORED, unanswered=1).breaches == []
    assert (
        judge(EXIT, ended, STORED._replace(lifecycles=0, closed=0, counted=0), unanswered=1)
        .breaches[0]
        .startswith("2 were")
    )


def test_a_program_that_is_killed_says_nothing_and_may_lack_its_last_moment():
    """But for that all is stored, or counted as dropped."""
    count = Count(3, [1, 2, GRACE_NS + 10], [])
    ended = EXIT._replace(own_count=count)
    assert judge(ended, ended, STORED._replace(closed=1), killed=True).breaches == []
    fewer = STORED._replace(lifecycles=1, counted=1)
    assert judge(ended, ended, fewer, killed=True).breaches == ["1 are missing and 0 are counted as dropped"]
    assert judge(ended, ended, fewer._replace(dropped=1), killed=True).breaches == []


def test_a_scenario_in_which_nothing_was_recorded_is_no_success():
    """However equal the program was."""
    ended = EXIT._replace(own_count=Count(0, [], []))
    assert judge(ended, ended, Stored(0, 0, 0, 0, [], 0)).breaches == ["nothing was recorded, so nothing was tried"]
