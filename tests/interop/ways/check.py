"""Compares what two runs of a way showed with each other and with what is declared of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from .declaration import UNITS, Way
from .harness import Run, run


def check(way: Way, python: Path, directory: Path) -> None:
    """Run the way bare and recorded.

    Raises:
        AssertionError: it is not as declared.
    """
    bare = run(way, python, directory, record=False)
    recorded = run(way, python, directory, record=True)

    assert bare.done.total() == recorded.done.total() == way.done
    assert len(recorded.done) >= way.workers
    if way.requests:
        assert bare.answers == [f"200 {item}" for item in range(UNITS)]
    assert recorded.answers == bare.answers
    assert recorded.status == bare.status
    assert recorded.output == bare.output, _difference(bare.output, recorded.output)
    assert recorded.lifecycles == (recorded.done if way.recorded else Counter())
    _check_names(way, recorded)


def _check_names(way: Way, recorded: Run) -> None:
    named = {name: count for name, count in recorded.names.items() if name in way.names}
    if not way.unit:
        assert named == {}, "the units of work are named: set `unit` of this way"
    else:
        assert set(named) == set(way.names)
        assert sum(named.values()) >= UNITS


def _difference(bare: list[str], recorded: list[str]) -> str:
    lines, other_lines = Counter(bare), Counter(recorded)
    return f"only bare: {list(lines - other_lines)}, only recorded: {list(other_lines - lines)}"
