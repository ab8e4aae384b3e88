"""The happenings of a picture in the order in which they are drawn.

Within one task that is the order of its program; between tasks it is the order of time, but that nothing stands before
what it comes from: the clock of a process that was called may be behind that of its caller. A fold is one happening at
the moment of its first use, with its own happenings inside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from operator import itemgetter
from typing import NamedTuple

from tenure_server.diagram.build_forest import Forest, Node
from tenure_server.diagram.fold import Fold, Folded, key


class EventKind(Enum):
    CREATED = auto()
    ACQUIRE = auto()
    ACQUIRED = auto()
    ACQUIRE_FAILED = auto()
    RELEASE = auto()
    RELEASED = auto()
    ABANDONED = auto()
    FINISHED = auto()
    FOLD_BEGIN = auto()
    FOLD_END = auto()


class Event(NamedTuple):
    """``turn_ns`` is its place in the order; a task's end may have to wait for the last thing that the task does."""

    sort_ns: int
    at_ns: int
    what: EventKind
    about: Node | Fold


class _Block(NamedTuple):
    """A fold with what happens inside it."""

    sort_ns: int
    at_ns: int
    fold: Fold
    inside: list[Event | _Block]


def events(forest: Forest, folded: Folded) -> Iterator[Event]:
    """Everything that happens, in order."""
    return _flatten(_Collector(folded).collect(forest.roots))


def _flatten(timed: list[Event | _Block]) -> Iterator[Event]:
    """Blocks nest no deeper than a logarithm of their number: each stands for three and more like it."""
    for item in sorted(timed, key=itemgetter(0)):
        if isinstance(item, Event):
            yield item
        else:
            yield Event(item.sort_ns, item.at_ns, EventKind.FOLD_BEGIN, item.fold)
            yield from _flatten(item.inside)
            yield Event(item.sort_ns, item.at_ns, EventKind.FOLD_END, item.fold)


class _Collector:
    """Goes through the forest once, with a stack of its own: nesting may be deeper than Python's."""

    def __init__(self, folded: Folded) -> None:
        self._folded = folded
        self._last_ns: dict[str, int] = {}  # of each task, so that its end comes after all that it does
        self._earliest_ns: dict[str, int] = {}  # of tasks that were created in the picture: when that was
        self._process_last_ns: dict[str, int] = {}
        self._abandoned: list[tuple[Node, list[Event | _Block]]] = []

    def collect(self, roots: list[Node]) -> list[Event | _Block]:
        top: list[Event | _Block] = []
        stack: list[tuple[bool, Node | Fold, list[Event | _Block]]] = [(True, root, top) for root in reversed(roots)]
        while stack:
            entering, item, timed = stack.pop()
            if isinstance(item, Fold):
                inner: list[Event | _Block] = []
                first = item.shown[0]
                owner = first.creator or first
                timed.append(_Block(self._sort_ns(owner, item.start_ns), item.start_ns, item, inner))
                stack.extend((True, node, inner) for node in reversed(item.shown))
            elif entering:
                self._enter(item, timed)
                stack.append((False, item, timed))
                inside = self._folded.get(key(item), item.children) if self._folded else item.children
                stack.extend((True, child, timed) for child in reversed(inside))
            else:
                self._leave(item, timed)
        for node, timed in self._abandoned:
            self._note(timed, self._process_last_ns[node.process], EventKind.ABANDONED, node)
        return top

    def _enter(self, node: Node, timed: list[Event | _Block]) -> None:
        if (lifecycle := node.lifecycle) is not None:
            self._note(timed, lifecycle.acquire_ns, EventKind.ACQUIRE, node)
            if lifecycle.acquired_ns is not None:
                self._note(timed, lifecycle.acquired_ns, EventKind.ACQUIRED, node)
            last_ns = lifecycle.released_ns or lifecycle.release_ns or lifecycle.acquired_ns or lifecycle.acquire_ns
            last_ns = max(last_ns, node.start_ns)
            for last, owner in ((self._last_ns, lifecycle.task.id), (self._process_last_ns, lifecycle.process)):
                if last.get(owner, last_ns) <= last_ns:
                    last[owner] = last_ns
        elif node.creator is not None:
            creator = node.creator.id
            self._last_ns[creator] = max(self._last_ns.get(creator, node.start_ns), node.start_ns)
            self._earliest_ns[node.ref.id] = self._sort_ns(node.creator, node.start_ns)
            self._note(timed, node.start_ns, EventKind.CREATED, node)

    def _leave(self, node: Node, timed: list[Event | _Block]) -> None:
        if (lifecycle := node.lifecycle) is None:
            finished_ns = node.task.finished_ns if node.task is not None and node.creator is not None else None
            if finished_ns is not None:
                at_ns = max(finished_ns, self._last_ns.get(node.id, finished_ns))
                self._note(timed, at_ns, EventKind.FINISHED, node)
            return
        if lifecycle.release_ns is not None:
            self._note(timed, lifecycle.release_ns, EventKind.RELEASE, node)
        if lifecycle.released_ns is not None:
            what = EventKind.ACQUIRE_FAILED if lifecycle.acquired_ns is None else EventKind.RELEASED
            self._note(timed, lifecycle.released_ns, what, node)
        elif lifecycle.phase == "abandoned":
            self._abandoned.append((node, timed))

    def _note(self, timed: list[Event | _Block], at_ns: int, what: EventKind, node: Node) -> None:
        timed.append(Event(self._sort_ns(node, at_ns), at_ns, what, node))

    def _sort_ns(self, node: Node, at_ns: int) -> int:
        """Not before the task was created, and of a lifecycle not before the one around it."""
        around_ns = at_ns if node.lifecycle is None else node.start_ns
        return max(at_ns, around_ns, self._earliest_ns.get(node.ref.id, at_ns))
