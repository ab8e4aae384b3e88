"""Announces every stored batch to its subscribers, through bounded queues."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

from tenure import wire

Item = TypeVar("Item")


class Mailbox(Generic[Item]):
    """A bounded queue for one reader. An item that does not fit is counted in ``missed`` and dropped."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: deque[Item] = deque()
        self._ready = asyncio.Event()
        self.missed = 0

    def put(self, item: Item) -> bool:
        """Add an item. False: it did not fit; no other item fits until the mailbox is emptied."""
        if self.missed or len(self._items) >= self._size:
            self.missed += 1
            self._ready.set()
            return False
        self._items.append(item)
        self._ready.set()
        return True

    async def take(self) -> tuple[list[Item], int]:
        """Wait for an item, then empty the mailbox: answer its items, and how many were dropped after them."""
        await self._ready.wait()
        self._ready.clear()
        items, missed = list(self._items), self.missed
        self._items.clear()
        self.missed = 0
        return items, missed


class Hub:
    """The subscribers of the store."""

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
