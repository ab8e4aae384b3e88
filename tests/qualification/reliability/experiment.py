"""What an experiment is, and what it measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Measured(NamedTuple):
    """What one run of an experiment came to.

    ``cases`` counts what was tried, ``wrong`` names what did not hold (one sentence each, empty where all held), and
    ``numbers`` are the figures for the page, by name, with the unit in the name ("worst stall, ms").
    """

    cases: int
    wrong: list[str]
    numbers: dict[str, int | float | str]


class Experiment(NamedTuple):
    """One row of docs/reliability.md.

    ``run(short, seed, mutated)`` measures: ``short`` takes at most 20 s (``make test`` does it), ``seed`` feeds every
    random choice, and ``mutated`` runs it against a Tenure whose protection, named by ``mutant``, is switched off. A
    mutated run must end with something in ``wrong``: so a check that cannot fail is found.
    """

    name: str
    claim: str
    run: Callable[[bool, int, bool], Measured]
    mutant: str
