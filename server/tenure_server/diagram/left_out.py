"""What a diagram leaves out, in words and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tenure_server.diagram.steps import Begin, End, Step


class DiagramText(NamedTuple):
    """A diagram as text. ``lifecycles`` are in it, ``left_out`` are not: they are earlier, or did not fit."""

    text: str
    lifecycles: int
    left_out: int
    is_whole: bool  # all steps are in the text


def earlier_lifecycles(count: int) -> str:
    return f"{count} earlier lifecycle{' is' if count == 1 else 's are'} left out"


def more_steps(steps: int, lifecycles: int) -> str:
    """``lifecycles``: so many have no step before the cut."""
    follow = f"{steps} more {'step follows' if steps == 1 else 'steps follow'}"
    return f"{follow}, of {lifecycles} lifecycle{'' if lifecycles == 1 else 's'}" if lifecycles else follow


def drawn_lifecycles(steps: Sequence[Step]) -> list[int]:
    """How many lifecycles the first 0, 1, 2, ... steps show. A fragment that has ended shows all its repetitions."""
    counts = [0]
    outside: set[str] = set()
    inside: set[str] = set()  # the fragment that is open
    repetitions, depth, in_ended = 0, 0, 0
    for step in steps:
        if isinstance(step, Begin):
            repetitions = step.lifecycles if depth == 0 else repetitions
            depth += 1
        elif isinstance(step, End):
            depth -= 1
            if depth == 0:
                in_ended += repetitions
                inside.clear()
        elif (lifecycle := getattr(step, "lifecycle", None)) is not None:
            (inside if depth else outside).add(lifecycle)
        counts.append(in_ended + len(outside) + len(inside))
    return counts
