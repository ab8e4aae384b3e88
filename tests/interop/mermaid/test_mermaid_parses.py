"""The real mermaid package, in four versions, reads every Mermaid text as what was meant."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.golden.diagram.programs import Program, programs
from tests.golden.diagram.scenarios import SCENARIOS
from tests.interop.mermaid.conftest import VERSIONS, Parse
from tests.interop.mermaid.expected import expected, with_each_wait_once, without_blanks

from tenure_server.diagram import draw, mermaid, mermaid_text
from tenure_server.diagram.mermaid_activations import join_activations
from tenure_server.diagram.mermaid_notes import WIDTH
from tenure_server.diagram.steps import Begin, Declare, End, Message, Note, Participant, Step
from tenure_server.model.lens import Lens

TITLE = "shop #28277, 2026-11-30 14:02:05 UTC"
one_parser = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.mark.parametrize("name", sorted(set(SCENARIOS) - {"nothing"}))
def test_a_golden_diagram_is_read_as_its_steps(parse: Parse, name: str) -> None:
    """Participants, messages, notes, activations and fragments come out as they went in."""
    steps = SCENARIOS[name]()
    answer = parse(mermaid(steps, title=TITLE))
    assert without_blanks(answer) == expected(with_each_wait_once(steps))
    notes = [text for kind, _, _, text, _ in answer["messages"] if kind == "NOTE"]
    assert all(len(line) <= WIDTH for text in notes for line in text.split("\n"))


@pytest.mark.parametrize("name", sorted(set(SCENARIOS) - {"nothing"}))
def test_dialect_12_says_the_types_of_participants(parse: Parse, name: str) -> None:
    """Mermaid 12 alone has to read it."""
    steps = SCENARIOS[name]()
    answer = parse(mermaid(steps, title=TITLE, dialect="12"), "12.3")
    assert without_blanks(answer) == expected(with_each_wait_once(steps), has_types=True)


@given(programs(), st.booleans(), st.sampled_from(VERSIONS))
@one_parser
def test_a_random_program_is_read_as_its_steps(parse: Parse, program: Program, fold: bool, version: str) -> None:
    """Also what no scenario thought of. The parsers are slow, so one of them reads each."""
    steps = draw(program.lifecycles, program.tasks, Lens(fold=fold), program.now_ns, fold_roots=True)
    if steps:
        assert without_blanks(parse(mermaid(steps), version)) == expected(with_each_wait_once(steps))


@given(st.text(min_size=1, max_size=60))
@example("wrap: a")
@example("nowrap:b")
@example("end")
@example("style a: #fff; b")
@example("  blanks at the edges  ")
@example("#35;%%{init: {}}%%")
@example("a\r\nb\u2028c\x00")
@example("ﬂ°°35¶ß")
@example("\ud800 alone")
@example("<b onload=x>&amp;</b>")
@example("title x")
@example("@{ type: database }")
@one_parser
def test_any_name_is_read_as_itself(parse: Parse, name: str) -> None:
    """As a participant, a message, a note and a fragment: no character of a name means anything to Mermaid."""
    steps: list[Step] = [
        Declare("1", Participant("p1", "task", "participant", name, "t")),
        Declare("2", Participant("p2", "resource", "database", name, "r")),
        Begin("3", "loop", name),
        Message("4", "p1", "p2", "->>", name, 0),
        Note("5", ["p1", "p2"], name, 0),
        End("6", "loop"),
    ]
    answer = parse(mermaid_text(steps, title=name, earlier=1, remedy=[name]).text)
    assert answer["messages"].pop(0) == ["NOTE", "p1", "p1", f"1 earlier lifecycle is left out\n{name}", False]
    assert without_blanks(answer) == expected(steps)


@pytest.mark.parametrize("name", ["order", "still_open", "par", "loops"])
def test_a_text_cut_anywhere_is_still_mermaid(parse: Parse, name: str) -> None:
    """At every limit the text parses, its fragments and activations are ended, and its note counts what follows."""
    scenario = join_activations(SCENARIOS[name]())
    whole, steps = mermaid(scenario), with_each_wait_once(scenario, is_cut=True)
    for limit in range(200, len(whole), 97):
        text = mermaid(scenario, limit)
        assert len(text) <= limit
        following = next(int(found[1]) for found in re.finditer(r"(\d+) more steps? follow", text))
        assert without_blanks(parse(text)) == expected(steps[: len(steps) - following], following)


def test_a_text_says_what_it_leaves_out_and_how_to_get_it(parse: Parse) -> None:
    """Earlier lifecycles at the top; at a cut, steps and lifecycles; the way to them once."""
    steps = SCENARIOS["order"]()
    remedy = ["tenure export run#1.json --to html"]
    whole, cut = (mermaid_text(steps, limit, earlier=5_000, remedy=remedy) for limit in (50_000, 1_200))
    notes = [text for kind, _, _, text, _ in parse(whole.text)["messages"] if kind == "NOTE"]
    assert notes[0] == f"5000 earlier lifecycles are left\nout\n{remedy[0]}"
    assert whole.left_out == 5_000
    first, *_, last = (text for kind, _, _, text, _ in parse(cut.text)["messages"] if kind == "NOTE")
    assert first == "5000 earlier lifecycles are left\nout"
    assert re.fullmatch(rf"\d+ more steps follow, of {cut.left_out - 5_000}\nlifecycles\n{re.escape(remedy[0])}", last)
    assert cut.left_out > 5_100  # the loop stands for 120


def test_nothing_at_all_is_a_diagram_too(parse: Parse) -> None:
    """With no lifecycle there is a note that says so."""
    answer = parse(mermaid([]))
    assert answer["actors"] == [["p1", "Tenure", "participant"]]
    assert answer["messages"] == [["NOTE", "p1", "p1", "nothing was held", False]]
