"""The real mermaid package reads every Mermaid text as what was meant."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.golden.diagram.programs import Program, programs
from tests.golden.diagram.scenarios import SCENARIOS
from tests.interop.mermaid.expected import expected

from tenure_server.diagram import draw, mermaid
from tenure_server.diagram.mermaid_activations import join_activations
from tenure_server.diagram.steps import Begin, Declare, End, Message, Note, Participant, Step
from tenure_server.model.lens import Lens

Parse = Callable[[str], dict[str, Any]]

one_parser = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.mark.parametrize("name", sorted(set(SCENARIOS) - {"nothing"}))
def test_a_golden_diagram_is_read_as_its_steps(parse: Parse, name: str) -> None:
    """Participants, their types, messages, notes, activations and fragments come out as they went in."""
    steps = SCENARIOS[name]()
    assert parse(mermaid(steps)) == expected(steps)


@given(programs(), st.booleans())
@one_parser
def test_a_random_program_is_read_as_its_steps(parse: Parse, program: Program, fold: bool) -> None:
    """Also what no scenario thought of."""
    steps = draw(program.lifecycles, program.tasks, Lens(fold=fold), program.now_ns)
    if steps:
        assert parse(mermaid(steps)) == expected(steps)


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
    assert parse(mermaid(steps)) == expected(steps)


@pytest.mark.parametrize("name", ["order", "still_open", "par", "loops"])
def test_a_text_cut_anywhere_is_still_mermaid(parse: Parse, name: str) -> None:
    """At every limit the text parses, its fragments and activations are ended, and its note counts what follows."""
    steps = join_activations(SCENARIOS[name]())
    whole = mermaid(steps)
    for limit in range(200, len(whole), 97):
        text = mermaid(steps, limit)
        assert len(text) <= limit
        following = next(int(found[1]) for found in re.finditer(r"(\d+) more steps? follow", text))
        assert parse(text) == expected(steps[: len(steps) - following], following)


def test_nothing_at_all_is_a_diagram_too(parse: Parse) -> None:
    """With no lifecycle there is a note that says so."""
    answer = parse(mermaid([]))
    assert answer["actors"] == [["p1", "Tenure", "participant"]]
    assert answer["messages"] == [["NOTE", "p1", "p1", "nothing was held", False]]
