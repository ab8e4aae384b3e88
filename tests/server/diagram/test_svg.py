"""Pictures: what each must have, whatever was recorded, and some whole ones as files."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.golden.diagram.__main__ import PICTURES, TITLE
from tests.golden.diagram.programs import Program, programs
from tests.golden.diagram.scenarios import SCENARIOS

from tenure_server.diagram import draw, svg_text
from tenure_server.diagram.steps import Message, Step
from tenure_server.diagram.svg import sizes
from tenure_server.diagram.svg.layout import Layout
from tenure_server.diagram.svg.text_width import truncate, truncate_middle, width_of
from tenure_server.model.lens import Lens

GOLDEN = Path(__file__).parents[2] / "golden" / "diagram"
SVG = "{http://www.w3.org/2000/svg}"
UNFOLDED = Lens(fold=False)


def _draw(program: Program) -> list[Step]:
    return draw(program.lifecycles, program.tasks, UNFOLDED, program.now_ns)


def _texts(root: Element, classes: str) -> list[str]:
    return [
        "".join(text.text or "" for text in group.iter(f"{SVG}text"))
        for group in root.iter(f"{SVG}g")
        if (group.get("class") or "").startswith(classes)
    ]


@pytest.mark.parametrize("name", PICTURES)
def test_a_scenario_gives_its_golden_picture(name: str) -> None:
    """The text is the file's (python -m tests.golden.diagram writes the files)."""
    assert svg_text(SCENARIOS[name](), title=TITLE).text == (GOLDEN / f"{name}.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_picture_is_one_file_that_runs_nothing(name: str) -> None:
    """It is well-formed and has a name; it has no script, no reference, and no element of another language."""
    text = svg_text(SCENARIOS[name](), title="<shop> & \x00 ]]>").text
    root = fromstring(text)
    assert (root.tag, root.get("role"), root.findtext(f"{SVG}title")) == (f"{SVG}svg", "img", "<shop> & \ufffd ]]>")
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "style", "rect", "text", "g", "path", "line", "circle"}
    assert not {key for element in root.iter() for key in element.keys() if "href" in key or key.startswith("on")}  # noqa: SIM118
    assert "url(" not in text
    assert "prefers-color-scheme:dark" in text


@given(programs())
def test_every_program_has_its_picture(program: Program) -> None:
    """Each message and note is drawn, and everything stands within the picture."""
    steps = _draw(program)
    root = fromstring(svg_text(steps).text)
    width, height = float(root.get("width", "")), float(root.get("height", ""))
    assert len(_texts(root, "message")) == sum(isinstance(step, Message) for step in steps)
    for rectangle in root.iter(f"{SVG}rect"):
        box = {key: float(rectangle.get(key, "0")) for key in ("x", "y", "width", "height")}
        assert box["x"] >= -1
        assert box["x"] + box["width"] <= width + 1
        assert box["y"] + box["height"] <= height + 1


@given(programs())
def test_a_bar_begins_where_the_acquire_is_done(program: Program) -> None:
    """At the answer to its own request, and it lies within its lifeline. Who waits has none."""
    layout = Layout(_draw(program))
    answers: dict[str, float] = {}
    for row in layout.messages:
        if row.step.lifecycle is not None and row.source.column.participant.role == "resource":
            answers.setdefault(row.step.lifecycle, row.line)
    acquired = {it.id for it in program.lifecycles if it.acquired_ns is not None}
    assert Counter(bar.lifecycle for bar in layout.activations) == Counter(acquired)
    for bar in layout.activations:
        assert bar.top == answers[bar.lifecycle or ""]
        ends = [layout.height if it.bottom is None else it.bottom for it in (bar.column, bar)]
        assert bar.column.top <= bar.top <= ends[1] <= ends[0]


@given(st.text(), st.sampled_from([30.0, 200.0]))
def test_a_shortened_text_fits(text: str, width: float) -> None:
    """It is the text itself where that fits, on one line."""
    for shorten in (truncate, truncate_middle):
        short = shorten(text, width, sizes.LABEL)
        assert not re.search(r"[\r\n\t]", short)
        assert width_of(short, sizes.LABEL) <= width
        if len(text) < 300 and not re.search(r"[\r\n\t]", text) and width_of(text, sizes.LABEL) <= width:
            assert short == text


def test_a_picture_says_what_it_leaves_out() -> None:
    """At the top how many are earlier, at the end how many follow, with the way to them; frames are closed."""
    steps = SCENARIOS["loops"]()
    cut = svg_text(steps, earlier=7, remedy=["tenure export x.json --to html"], limit=len(steps) // 2)
    assert (cut.is_whole, cut.left_out > 7) == (False, True)
    whole = svg_text(steps, earlier=7, remedy=["tenure export x.json --to html"])
    assert (whole.is_whole, whole.left_out, whole.lifecycles) == (True, 7, cut.lifecycles + cut.left_out - 7)
    notes = _texts(fromstring(cut.text), "note cut")
    assert notes[0] == "7 earlier lifecycles are left out"
    assert re.fullmatch(r"\d+ more steps follow, of \d+ lifecycles?: tenure export x\.json --to html", notes[1])
    assert _texts(fromstring(whole.text), "note cut")[0].endswith("left out: tenure export x.json --to html")
    bottoms = [fragment.bottom for fragment in Layout(steps).fragments]
    assert None not in bottoms


def test_what_is_open_is_told_below_its_column() -> None:
    """Waiting is told apart from holding; nobody held is said."""
    root = fromstring(svg_text(SCENARIOS["still_open"]()).text)
    waiting = _texts(root, "tag waiting")
    assert len(waiting) == 2
    assert all(text.startswith("still waiting for worker-1") for text in waiting)
    assert any(text.startswith("still held") for text in _texts(root, "tag hue"))
    assert "nothing was held" in svg_text([]).text


def test_a_picture_is_described_in_numbers() -> None:
    """For readers who do not see it."""
    root = fromstring(svg_text(SCENARIOS["still_open"]()).text)
    assert root.findtext(f"{SVG}desc") == "Tasks: 5. Resources: 3. Waits: 2. Open at the end: 5."


def test_a_tall_picture_has_its_heads_at_both_ends() -> None:
    """The columns that have not ended can be told at its bottom."""
    heads = _texts(fromstring(svg_text(SCENARIOS["order"]()).text), "head")
    assert (heads.count("main"), heads.count("reserve-1")) == (2, 1)
