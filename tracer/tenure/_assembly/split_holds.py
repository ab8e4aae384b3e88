"""Holds that are given up for a while: the lock around ``condition.wait()``.

One record of the program, from enter to exit, is several lifecycles here: the first ends where the lock is given up,
the next one begins where the task wants it again. The last one ends as the record does.

On asyncio, another task than the one that acquired the lock may wait: it releases the first lifecycle, and the next one
is its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from tenure._assembly.given_up import GivenUp
from tenure._assembly.open_lifecycles import Lifecycle
from tenure._assembly.snapshot import CLOSED, phase_of
from tenure._core.record_layout import (
    ACQUIRED,
    BODY,
    RAISED,
    RELEASE,
    RELEASED,
    RELEASER,
    RESOURCE,
    SITE,
    TASK,
    Listed,
)
from tenure._identify import tracer
from tenure._identify.sites import Site


class _Split:
    """A hold that was given up, and the lifecycle that continues it."""

    __slots__ = ("before", "given_up", "index", "next", "source")

    def __init__(self, given_up: GivenUp, before: Lifecycle, source: Listed, index: int) -> None:
        self.given_up = given_up
        self.before = before
        self.source = source  # the program's record
        self.index = index  # of ``before``, in what its task is in
        self.next: Lifecycle | None = None

    def update(self) -> None:
        """Bring the record of the next lifecycle up to date."""
        if self.next is None:
            return
        regained, leave = self.given_up.regained_ns, self.source[RELEASE : RELEASER + 1]
        if leave[0]:
            leave[-1] = _other_than(self.next.record, self.source[RELEASER] or self.source[TASK])
        self.next.record[ACQUIRED] = regained
        if not regained:
            leave[0] = 0  # an acquire that failed has no release; what left the body is its failure
            leave[RAISED - RELEASE], leave[BODY - RELEASE], leave[-1] = leave[BODY - RELEASE], None, 0
        if regained or leave[RELEASED - RELEASE]:
            self.next.record[RELEASE : RELEASER + 1] = leave


class SplitHolds:
    """The holds that were given up and are not released yet."""

    def __init__(self) -> None:
        self._splits: dict[int, _Split] = {}  # by address of the entry, which its split keeps
        self._continued: dict[int, _Split] = {}  # by number of the lifecycle that continues the hold

    def resume(
        self,
        given_up: GivenUp,
        within: dict[int, list[Lifecycle]],
        numbers: Iterator[int],
        around: Lifecycle | None,
    ) -> Lifecycle | None:
        """Begin the lifecycle that continues the hold; None: nobody recorded it, or its end was lost.

        ``within``: what each task is in, outermost first; it is changed. ``around``: the innermost of the task, or
        what that was created in.
        """
        split = self._splits.get(id(given_up))
        if split is None or split.next is not None:
            return None
        before = split.before
        record = [given_up.site, given_up.task, given_up.resource, given_up.wanted_ns, 0, 0, 0, None, None, 0]
        is_others = before.record[TASK] != given_up.task
        if around is not None and is_others:
            split.next = Lifecycle(next(numbers), record, around.id, around.trace)
        else:
            split.next = Lifecycle(next(numbers), record, before.parent or before.id, before.trace)
        self._continued[split.next.id] = split
        own = within.setdefault(given_up.task, [])
        own.insert(len(own) if is_others else min(split.index, len(own)), split.next)
        split.update()
        return split.next

    def end(self, given_up: GivenUp, within: dict[int, list[Lifecycle]]) -> None:
        """End the hold that is given up; ``within``: what each task is in; it is changed."""
        own = within.get(given_up.task, [])
        index = self._held_at(given_up, own)
        if index is None and given_up.is_anyones:
            others = ((lifecycles, self._held_at(given_up, lifecycles)) for lifecycles in within.values())
            own, index = next(((lifecycles, place) for lifecycles, place in others if place is not None), (own, None))
        if index is None:
            return
        instant, before = given_up.given_up_ns, own[index]
        continued = self._continued.get(before.id)
        source = before.record
        if continued is not None:
            source = continued.source
            self._remove(continued)
        site, calls = cast("str", before.record[SITE]), tracer.current.calls
        enter, leave = calls.get(site, ("", ""))
        calls.setdefault(given_up.site, ("acquire", leave))
        left = Site.of(site)._replace(via="given up").key()
        calls.setdefault(left, (enter, "release"))
        releaser = _other_than(before.record, given_up.task)
        before.record = [left, *before.record[TASK:RELEASE], instant, instant, None, None, releaser]
        before.was_closed = True
        del own[index]
        self._splits[id(given_up)] = _Split(given_up, before, source, index)

    def _held_at(self, given_up: GivenUp, within: list[Lifecycle]) -> int | None:
        """The place of the newest hold of the resource that is given up."""
        instant = given_up.given_up_ns
        for index in range(len(within) - 1, -1, -1):
            before = within[index]
            if before.record[RESOURCE] != given_up.resource:
                continue
            continued = self._continued.get(before.id)
            if continued is not None:
                continued.update()
            acquired = cast("int", before.record[ACQUIRED])
            if 0 < acquired <= instant and not before.released_before(instant):
                return index
        return None

    def update(self) -> None:
        """Bring the lifecycles that continue a hold up to date, before a batch."""
        for split in self._splits.values():
            split.update()

    def evict(self, closed: Iterable[Lifecycle]) -> None:
        """Forget the holds that were shipped closed, and those that are over without being regained."""
        if self._splits:
            for lifecycle in closed:
                if lifecycle.id in self._continued:
                    self._remove(self._continued[lifecycle.id])
            for split in list(self._splits.values()):
                if split.next is None and split.source[RELEASED]:
                    self._remove(split)

    def _remove(self, split: _Split) -> None:
        self._splits.pop(id(split.given_up), None)
        if split.next is not None:
            self._continued.pop(split.next.id, None)


def _other_than(record: Listed, task: object) -> object:
    """The task that releases; 0 where the record is its own."""
    return 0 if record[TASK] == task else task


def may_be_split(lifecycle: Lifecycle) -> bool:
    """Whether this one may have been given up in between, which only the next drain shows.

    A record of the Python probe may close after the drain, and with it an entry of its task that is not drained yet.
    """
    record = lifecycle.record
    if lifecycle.was_closed or phase_of(record) != CLOSED or record[RESOURCE] not in tracer.current.given_up:
        return False
    lifecycle.was_closed = True
    return True
