"""Uses that a class patch saw begin and not end yet, as the Python probe and the adapters keep them."""

from __future__ import annotations

import weakref
from collections.abc import Callable

from tenure._core.record_layout import Record

# A lifecycle that was seen entered and not yet left: its record, its manager (None: the type allows no weak reference),
# and the entry before, where the same task entered the same object already.
OpenManager = tuple[Record, "weakref.ref[object] | None", "OpenManager | None"]

_MAX_GIVEN_BACK = 10_000


class OpenManagers:
    """The entries of one recording."""

    __slots__ = ("by_manager", "sweep_at")

    def __init__(self) -> None:
        self.by_manager: dict[tuple[int, int], OpenManager] = {}  # by address, and id of the task (0: whatever task)
        self.sweep_at = 1_000  # entries


class HeldToken:
    """The open uses of one token, oldest first."""

    __slots__ = ("given_back", "is_entered", "records", "reference", "when_gone")

    def __init__(self, reference: weakref.ref[object] | None, when_gone: Callable[[Record], None] | None) -> None:
        self.records: list[Record] = []
        self.given_back: set[int] = set()  # tasks that have released a use of their own, of a counted token
        self.reference = reference  # None: its type allows none
        self.when_gone = when_gone
        self.is_entered = True  # False: a constructor opened it, and no statement has entered it yet

    def note_given_back(self, task: int) -> None:
        """The task has released a use of its own."""
        if len(self.given_back) >= _MAX_GIVEN_BACK:
            self.given_back.clear()
        self.given_back.add(task)
