"""Hands every stored batch to those who want to know. Nobody's queue grows without bound."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

from tenure import wire

Item = TypeVar("Item")


class Mailbox(Generic[Item]):
    """A bounded queue for one reader. What does not fit is left out and counted in ``missed``."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: deque[Item] = deque()
        self._ready = asyncio.Event()
        self.missed = 0

    def put(self, item: Item) -> bool:
        """Put it in; false: it did not fit, and neither does what follows until the mailbox is emptied."""
        if self.missed or len(self._items) >= self._size:
            self.missed += 1
            self._ready.set()
            return False
        self._items.append(item)
        self._ready.set()
        return True

    async def take(self) -> tuple[list[Item], int]:
        """Wait until there is something; empty the mailbox: its items and how many were left out after them."""
        await self._ready.wait()
        self._ready.clear()
        items, missed = list(self._items), self.missed
        self._items.clear()
        self.missed = 0
        return items, missed


class Hub:
    """Where stored batches are announced."""

    def __init__(self) -> None:
        self._subscribers: set[Mailbox[wire.Batch]] = set()

    def subscribe(self, size: int) -> Mailbox[wire.Batch]:
        mailbox: Mailbox[wire.Batch] = Mailbox(size)
        self._subscribers.add(mailbox)
        return mailbox

    def unsubscribe(self, mailbox: Mailbox[wire.Batch]) -> None:
        self._subscribers.discard(mailbox)

    def publish(self, batch: wire.Batch) -> None:
        """Announce a batch that has been committed."""
        for mailbox in self._subscribers:
            mailbox.put(batch)
