"""What a condition notes in the buffer: a lock that is given up for a while (``split_holds``). Without msgspec."""

from __future__ import annotations

from typing import NamedTuple


class GivenUp:
    """The buffer's entry: a task gives up a lock."""

    __slots__ = ("given_up_ns", "is_anyones", "regained_ns", "resource", "site", "task", "wanted_ns")

    def __init__(self, task: int, resource: int, site: str, given_up_ns: int, *, is_anyones: bool = False) -> None:
        self.task = task
        self.is_anyones = is_anyones  # another task may have acquired it
        self.resource = resource
        self.site = site  # of the lifecycle that continues the hold
        self.given_up_ns = given_up_ns
        self.wanted_ns = 0  # 0: not yet
        self.regained_ns = 0


class Wanted(NamedTuple):
    """The buffer's entry: the task wants back what it gave up; ``wanted_ns`` is set."""

    given_up: GivenUp
