"""Notes of a Mermaid text: their lines, and one for each wait."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from tests.golden.diagram.scenarios import SCENARIOS

from tenure_server.diagram import mermaid
from tenure_server.diagram.mermaid_notes import each_wait_once, wrap
from tenure_server.diagram.steps import Activate, Message, Note


@given(st.text(max_size=200), st.integers(2, 40))
def test_lines_are_no_wider_than_asked_and_lose_nothing_but_blanks(text: str, width: int) -> None:
    """A word that is wider is broken within."""
    lines = wrap(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(len(line) <= width for line in lines)


def test_lines_break_at_blanks() -> None:
    """As many words as fit are in each; a character of East Asia takes two places."""
    assert wrap("waits for worker-1 (worker.py:41), 1 ahead, 30 s", 32) == [
        "waits for worker-1", "(worker.py:41), 1 ahead, 30 s",
    ]  # fmt: skip
    assert wrap("waits for transfer-1 and 2 more, 12 s", 34) == ["waits for transfer-1 and 2 more,", "12 s"]
    assert wrap("aaaa bbbbbbbb", 4) == ["aaaa", "bbbb", "bbbb"]
    assert wrap("在庫 在庫", 4) == ["在庫", "在庫"]
    assert wrap("", 4) == [""]


def test_a_wait_that_goes_on_is_noted_once() -> None:
    """At the bottom, with the present cause; in a text that is cut before it, at the acquire."""
    steps = SCENARIOS["still_open"]()
    whole = mermaid(steps)
    assert len(re.findall("still waiting for worker-1", whole)) == 2
    assert "waits for" not in whole
    cut = mermaid(steps, len(whole) - 100)
    assert len(re.findall("waits for worker-1", cut)) == 2
    assert "still waiting" not in cut
    assert "more steps follow" in cut


def test_a_hold_that_goes_on_keeps_the_note_of_its_wait() -> None:
    """Only of a wait that goes on is one of two notes left out."""
    wait = Note("w", ["p1", "p2"], "waits for worker-1, 30 ms", 1, "a", "wait")
    reply, bar = Message("r", "p2", "p1", "-->>", "acquired after 30 ms", 2, "a"), Activate("b", "p2", "a")
    still = Note("o", ["p1", "p2"], "still held, 3 s", 3, "a", "open")
    assert each_wait_once([wait, reply, bar, still], is_whole=True) == [wait, reply, bar, still]
    assert each_wait_once([wait, still], is_whole=True) == [still]
    assert each_wait_once([wait, still], is_whole=False) == [wait]
