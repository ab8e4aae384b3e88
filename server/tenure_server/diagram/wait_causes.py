"""Why an acquire waited: which lifecycles had the places of the resource, and how many waited before it.

For every resource with a capacity one sweep over its lifecycles in the order of time keeps the current holders and
waiters. An acquire waits if each place is held, or is being acquired by one that came earlier, as in a pool that still
connects. Where neither is known, the wait has no cause.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from itertools import islice
from operator import itemgetter
from typing import NamedTuple

from tenure_server.diagram import phrases
from tenure_server.diagram.build_forest import in_order
from tenure_server.model.records import Lifecycle, ResourceRef

_RELEASED, _ACQUIRED, _ACQUIRE = 0, 1, 2  # the order of edges at the same time
_MIN_WAIT_NS = 1_000  # a shorter wait has no cause


class Cause(NamedTuple):
    """The lifecycles that had all places when the wait began.

    ``first`` has held the resource for longest, ``more_holders`` others had the rest; ``acquiring`` of them all had
    come earlier and had not acquired it yet; ``is_acquiring``: this is still so for one of them. ``ahead``: how many
    more waited already. ``ended_by`` is the lifecycle whose release ended the wait; None: not known, or it goes on.
    ``is_own``: the waiting task itself has ``first``.
    """

    first: Lifecycle
    more_holders: int
    ahead: int
    acquiring: int = 0
    is_acquiring: bool = False
    ended_by: Lifecycle | None = None
    is_own: bool = False

    @property
    def text(self) -> str:
        holder = phrases.holder("itself" if self.is_own else self.first.task.name, self.first.site)
        acquiring = "" if _is_immediate(self.first.resource) else self._acquiring_text
        return phrases.cause(holder, self.more_holders, acquiring, self.ahead)

    @property
    def end_text(self) -> str:
        """Whose release ended the wait, where ``text`` does not name it alone."""
        if self.ended_by is None or self.ended_by.id == self.first.id or self.more_holders == 0:
            return ""
        return phrases.until_released(self.ended_by.task.name)

    @property
    def _acquiring_text(self) -> str:
        is_pool = self.first.resource.stereotype == "database"
        return phrases.acquiring_first(self.acquiring, self.more_holders + 1, is_pool, self.is_acquiring)


class Causes(NamedTuple):
    """By id of the waiting lifecycle: the cause at its acquire; for those that still wait, also the current cause."""

    at_acquire: dict[str, Cause]
    now: dict[str, Cause]


def find_causes(lifecycles: Iterable[Lifecycle], context: Iterable[Lifecycle]) -> Causes:
    """The causes of all waits in ``lifecycles`` and ``context``."""
    by_resource: dict[str, dict[str, Lifecycle]] = {}
    for source in (context, lifecycles):
        for lifecycle in source:
            if lifecycle.resource.capacity:  # 0: a semaphore as a signal, which no holder gives back
                by_resource.setdefault(lifecycle.resource.id, {})[lifecycle.id] = lifecycle
    causes = Causes({}, {})
    for uses in by_resource.values():
        if len(uses) > 1 and any(_waited(use) for use in uses.values()):
            _Sweep(causes).run(uses)
    return causes


def _waited(use: Lifecycle) -> bool:
    end_ns = _wait_end_ns(use)
    return end_ns is None or end_ns - use.acquire_ns >= _MIN_WAIT_NS


def _wait_end_ns(use: Lifecycle) -> int | None:
    return use.released_ns if use.acquired_ns is None else use.acquired_ns


class _Sweep:
    """Goes once through the uses of one resource."""

    def __init__(self, causes: Causes) -> None:
        self._causes = causes
        self._holders: dict[str, Lifecycle] = {}
        self._waiters: dict[str, Lifecycle] = {}
        self._freed: deque[Lifecycle] = deque()  # released while others waited; nobody has the place yet
        self._handed_over: set[str] = set()  # holders whose place another lifecycle got before their release ended

    def run(self, uses: Mapping[str, Lifecycle]) -> None:
        ended: set[str] = set()
        for _, kind, use in sorted(_edges(uses), key=itemgetter(0, 1)):
            if kind == _RELEASED:
                ended.add(use.id)
                self._release(use)
            elif use.id not in ended:
                if kind == _ACQUIRED:
                    self._acquired(use)
                elif use.id not in self._holders:
                    users = self._users(use, len(self._waiters)) if _waited(use) else []
                    if users and _was_for(use, users):
                        self._causes.at_acquire[use.id] = self._cause(use, users, len(self._waiters))
                    self._waiters[use.id] = use
        for before, use in enumerate(self._waiters.values()):
            if users := self._users(use, before):
                self._causes.now[use.id] = self._cause(use, users, before)

    def _release(self, use: Lifecycle) -> None:
        was_holder = self._holders.pop(use.id, None) is not None
        self._waiters.pop(use.id, None)
        if not self._waiters:
            self._freed.clear()
        elif was_holder and use.id not in self._handed_over:
            self._freed.append(use)

    def _acquired(self, use: Lifecycle) -> None:
        self._waiters.pop(use.id, None)
        cause = self._causes.at_acquire.get(use.id)
        if cause is not None:
            self._causes.at_acquire[use.id] = cause._replace(ended_by=self._take_place(use))
        elif not _waited(use):
            self._take_place(use)
        if not self._waiters:
            self._freed.clear()
        self._holders[use.id] = use

    def _take_place(self, use: Lifecycle) -> Lifecycle | None:
        """The lifecycle whose release freed the place: the first that has ended it, else the first that began it."""
        while self._freed:
            holder = self._freed.popleft()
            if (holder.released_ns or 0) >= use.acquire_ns:
                return holder
        releasing = [
            (holder.release_ns, place, holder)
            for place, holder in enumerate(self._holders.values())
            if holder.release_ns is not None
            and holder.id not in self._handed_over
            and use.acquire_ns <= holder.release_ns <= (use.acquired_ns or 0)
        ]
        if not releasing:
            return None
        holder = min(releasing)[2]
        self._handed_over.add(holder.id)
        return holder

    def _users(self, use: Lifecycle, before: int) -> list[Lifecycle]:
        """Who has the places now, if ``before`` others wait before the use; empty: a place may be free for it."""
        free = max((use.resource.capacity or 0) - len(self._holders), 0)
        if before < free:
            return []
        acquiring = list(islice(self._waiters.values(), free))
        if _is_immediate(use.resource) and not all(_is_acquired_by(other, _wait_end_ns(use)) for other in acquiring):
            return []  # a lock is not acquired slowly: somebody holds it who is not recorded
        return [*self._holders.values(), *acquiring]

    def _cause(self, use: Lifecycle, users: list[Lifecycle], before: int) -> Cause:
        acquiring = users[len(self._holders) :]
        is_acquiring = _wait_end_ns(use) is None and any(_wait_end_ns(other) is None for other in acquiring)
        is_own = users[0].task.id == use.task.id
        return Cause(users[0], len(users) - 1, before - len(acquiring), len(acquiring), is_acquiring, is_own=is_own)


def _is_immediate(resource: ResourceRef) -> bool:
    """Whether acquiring a free place takes no time: of a lock or a semaphore, not of a pool, which may connect."""
    return resource.stereotype in {"control", "queue"}


def _is_acquired_by(use: Lifecycle, instant_ns: int | None) -> bool:
    return use.acquired_ns is not None and (instant_ns is None or use.acquired_ns <= instant_ns)


def _was_for(use: Lifecycle, users: list[Lifecycle]) -> bool:
    """Whether the wait goes on, ended without success, or ended after one of ``users`` began to free its place.

    An acquire that ends before any release was let in beside the holders, as a re-entrant lock does: it did not wait
    for them.
    """
    acquired_ns = use.acquired_ns
    return acquired_ns is None or any(
        freed_ns is not None and freed_ns <= acquired_ns
        for freed_ns in (user.released_ns if user.acquired_ns is None else user.release_ns for user in users)
    )


def _edges(uses: Mapping[str, Lifecycle]) -> Iterable[tuple[int, int, Lifecycle]]:
    for use in in_order(uses.values()):
        yield use.acquire_ns, _ACQUIRE, use
        if use.acquired_ns is not None:
            yield use.acquired_ns, _ACQUIRED, use
        if use.released_ns is not None:
            yield use.released_ns, _RELEASED, use
