"""Ordinals for resources of one kind and name: no two different locks are called the same.

The first one keeps its name until there is a second one. Then they are "Account.lock #1" and "Account.lock #2".
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

MAX_NAMES = 10_000  # that are remembered

_OF = " of "  # stands before the owner's name


class _Name(NamedTuple):
    first: int  # the resource that has it
    ordinals: Iterator[int]


class Ordinals:
    """The names of one recording."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], _Name] = {}

    def unique(self, kind: str, name: str, number: int) -> tuple[str, int, int]:
        """The name for this resource without its ordinal, the ordinal, and the resource that was the first of the name.

        Where another one has the same owner's name, that name does not say which one it is, and an ordinal does.
        """
        if len(self._names) >= MAX_NAMES:
            self._names.clear()
        for title in dict.fromkeys((name, name.partition(_OF)[0])):
            known = self._names.setdefault((kind, title), _Name(number, itertools.count(1)))
            ordinal = next(known.ordinals)
            if ordinal == 1:
                break
        return title, ordinal, known.first
