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

    def unique(self, kind: str, name: str, number: int) -> tuple[str, int, str]:
        """The name for this resource; the resource that gets another name for it (0: none), and that name.

        Where another one has the same owner's name, that name does not say which one it is, and an ordinal does.
        """
        if len(self._names) >= MAX_NAMES:
            self._names.clear()
        for title in dict.fromkeys((name, name.partition(_OF)[0])):
            known = self._names.setdefault((kind, title), _Name(number, itertools.count(1)))
            ordinal = next(known.ordinals)
            if ordinal == 1:
                return title, 0, ""
        return f"{title} #{ordinal}", known.first if ordinal == 2 else 0, f"{title} #1"  # the second
