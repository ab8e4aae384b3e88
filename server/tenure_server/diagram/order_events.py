"""The events of a diagram in the order in which they are drawn.

Within one task that is the order of its program. Between tasks it is the order of time, except that nothing is drawn
before its cause: the clock of a called process may be behind its caller's. A fold is one event at the time of its first
use, with its own events inside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum, auto
from operator import itemgetter
from typing import NamedTuple

from tenure_server.diagram.build_forest import Forest, Node
from tenure_server.diagram.fold import ROOTS, Fold, Folded, key


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
    """``sort_ns`` is the place in the order: a task's end, for example, comes after the last event of the task."""

    sort_ns: int
    at_ns: int
    kind: EventKind
    subject: Node | Fold


class _Block(NamedTuple):
    """A fold with its events."""

    sort_ns: int
    at_ns: int
    fold: Fold
    inside: list[Event | _Block]


def events(forest: Forest, folded: Folded) -> Iterator[Event]:
    """All events, in order."""
    return _flatten(_ForestWalker(folded).collect(folded.get(ROOTS, forest.roots)))


def _flatten(timeline: list[Event | _Block]) -> Iterator[Event]:
    """The recursion is not deep: a fold stands for at least three repetitions, so folds nest as a logarithm of size."""
    for item in sorted(timeline, key=itemgetter(0)):
        if isinstance(item, Event):
            yield item
        else:
            yield Event(item.sort_ns, item.at_ns, EventKind.FOLD_BEGIN, item.fold)
            yield from _flatten(item.inside)
            yield Event(item.sort_ns, item.at_ns, EventKind.FOLD_END, item.fold)


def _note_latest(latest: dict[str, int], owner: str, at_ns: int) -> None:
    if latest.get(owner, at_ns) <= at_ns:
        latest[owner] = at_ns


class _ForestWalker:
    """Walks the forest once, with an explicit stack: nesting may be deeper than Python's recursion limit."""

    def __init__(self, folded: Folded) -> None:
        self._folded = folded
        self._task_last_ns: dict[str, int] = {}  # of each task: its last event, which its end follows
        self._task_created_ns: dict[str, int] = {}  # of each task whose creation is in the diagram
        self._process_last_ns: dict[str, int] = {}
        self._abandoned: list[tuple[Node, list[Event | _Block]]] = []

    def collect(self, roots: Sequence[Node | Fold]) -> list[Event | _Block]:
        whole: list[Event | _Block] = []
        stack: list[tuple[bool, Node | Fold, list[Event | _Block]]] = [(True, root, whole) for root in reversed(roots)]
        while stack:
            entering, item, timeline = stack.pop()
            if isinstance(item, Fold):
                fold_timeline: list[Event | _Block] = []
                first = item.shown[0]
                owner = first.creator or first
                timeline.append(_Block(self._sort_ns(owner, item.start_ns), item.start_ns, item, fold_timeline))
                stack.extend((True, node, fold_timeline) for node in reversed(item.shown))
            elif entering:
                self._enter(item, timeline)
                stack.append((False, item, timeline))
                inside = self._folded.get(key(item), item.children) if self._folded else item.children
                stack.extend((True, child, timeline) for child in reversed(inside))
            else:
                self._leave(item, timeline)
        for node, timeline in self._abandoned:
            self._add(timeline, self._process_last_ns[node.process], EventKind.ABANDONED, node)
        return whole

    def _enter(self, node: Node, timeline: list[Event | _Block]) -> None:
        if (lifecycle := node.lifecycle) is not None:
            self._add(timeline, lifecycle.acquire_ns, EventKind.ACQUIRE, node)
            if lifecycle.acquired_ns is not None:
                self._add(timeline, lifecycle.acquired_ns, EventKind.ACQUIRED, node)
            last_ns = lifecycle.released_ns or lifecycle.release_ns or lifecycle.acquired_ns or lifecycle.acquire_ns
            last_ns = max(last_ns, node.start_ns)
            task_last_ns, task = last_ns, lifecycle.task.id
            if lifecycle.released_by is not None and lifecycle.acquired_ns is not None:
                _note_latest(self._task_last_ns, lifecycle.released_by.id, last_ns)
                task_last_ns = max(lifecycle.acquired_ns, node.start_ns)
            _note_latest(self._task_last_ns, task, task_last_ns)
            _note_latest(self._process_last_ns, lifecycle.process, last_ns)
        elif node.creator is not None:
            creator = node.creator.id
            self._task_last_ns[creator] = max(self._task_last_ns.get(creator, node.start_ns), node.start_ns)
            self._task_created_ns[node.ref.id] = self._sort_ns(node.creator, node.start_ns)
            self._add(timeline, node.start_ns, EventKind.CREATED, node)

    def _leave(self, node: Node, timeline: list[Event | _Block]) -> None:
        if (lifecycle := node.lifecycle) is None:
            finished_ns = node.task.finished_ns if node.task is not None and node.creator is not None else None
            if finished_ns is not None:
                at_ns = max(finished_ns, self._task_last_ns.get(node.id, finished_ns))
                self._add(timeline, at_ns, EventKind.FINISHED, node)
            return
        if lifecycle.release_ns is not None:
            self._add(timeline, lifecycle.release_ns, EventKind.RELEASE, node)
        if lifecycle.released_ns is not None:
            kind = EventKind.ACQUIRE_FAILED if lifecycle.acquired_ns is None else EventKind.RELEASED
            self._add(timeline, lifecycle.released_ns, kind, node)
        elif lifecycle.phase == "abandoned":
            self._abandoned.append((node, timeline))

    def _add(self, timeline: list[Event | _Block], at_ns: int, kind: EventKind, node: Node) -> None:
        timeline.append(Event(self._sort_ns(node, at_ns), at_ns, kind, node))

    def _sort_ns(self, node: Node, at_ns: int) -> int:
        """The time, but not before the creation of the task or the start of the parent lifecycle."""
        earliest_ns = at_ns if node.lifecycle is None else node.start_ns
        return max(at_ns, earliest_ns, self._task_created_ns.get(node.ref.id, at_ns))
