"""The happenings of a picture in the order in which they are drawn.

Within one task that is the order of its program; between tasks it is the order of time. A fold is one happening at the
moment of its first use, with its own happenings inside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from operator import itemgetter
from typing import NamedTuple

from tenure_server.diagram.fold import Fold, Folded, key
from tenure_server.diagram.forest import Forest, Node


class What(Enum):
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
    at_ns: int
    what: What
    about: Node | Fold


class _Block(NamedTuple):
    """A fold with what happens inside it."""

    fold: Fold
    events: list[_Timed]


_Timed = tuple[int, Event | _Block]


def events(forest: Forest, folded: Folded) -> Iterator[Event]:
    """Everything that happens, in order."""
    return _flatten(_Collector(folded).collect(forest.roots))


def _flatten(timed: list[_Timed]) -> Iterator[Event]:
    """Blocks nest no deeper than a logarithm of their number: each stands for three and more like it."""
    for at_ns, item in sorted(timed, key=itemgetter(0)):
        if isinstance(item, Event):
            yield item
        else:
            yield Event(at_ns, What.FOLD_BEGIN, item.fold)
            yield from _flatten(item.events)
            yield Event(at_ns, What.FOLD_END, item.fold)


class _Collector:
    """Goes through the forest once, with a stack of its own: nesting may be deeper than Python's."""

    def __init__(self, folded: Folded) -> None:
        self._folded = folded
        self._last_ns: dict[str, int] = {}  # of each task, so that its end comes after all that it does
        self._process_last_ns: dict[str, int] = {}
        self._abandoned: list[tuple[Node, list[_Timed]]] = []

    def collect(self, roots: list[Node]) -> list[_Timed]:
        top: list[_Timed] = []
        stack: list[tuple[bool, Node | Fold, list[_Timed]]] = [(True, root, top) for root in reversed(roots)]
        while stack:
            entering, item, timed = stack.pop()
            if isinstance(item, Fold):
                inner: list[_Timed] = []
                timed.append((item.start_ns, _Block(item, inner)))
                stack.extend((True, node, inner) for node in reversed(item.shown))
            elif entering:
                self._enter(item, timed)
                stack.append((False, item, timed))
                inside = self._folded.get(key(item), item.children) if self._folded else item.children
                stack.extend((True, child, timed) for child in reversed(inside))
            else:
                self._leave(item, timed)
        for node, timed in self._abandoned:
            self._add(timed, node, self._process_last_ns[node.process], What.ABANDONED)
        return top

    def _enter(self, node: Node, timed: list[_Timed]) -> None:
        if (lifecycle := node.lifecycle) is not None:
            self._add(timed, node, lifecycle.acquire_ns, What.ACQUIRE)
            if lifecycle.acquired_ns is not None:
                self._add(timed, node, lifecycle.acquired_ns, What.ACQUIRED)
        elif node.creator is not None:
            creator = node.creator.id
            self._last_ns[creator] = max(self._last_ns.get(creator, node.start_ns), node.start_ns)
            timed.append((node.start_ns, Event(node.start_ns, What.CREATED, node)))

    def _leave(self, node: Node, timed: list[_Timed]) -> None:
        if (lifecycle := node.lifecycle) is None:
            finished_ns = node.task.finished_ns if node.task is not None and node.creator is not None else None
            if finished_ns is not None:
                at_ns = max(finished_ns, self._last_ns.get(node.id, finished_ns))
                timed.append((at_ns, Event(finished_ns, What.FINISHED, node)))
            return
        if lifecycle.release_ns is not None:
            self._add(timed, node, lifecycle.release_ns, What.RELEASE)
        if lifecycle.released_ns is not None:
            what = What.ACQUIRE_FAILED if lifecycle.acquired_ns is None else What.RELEASED
            self._add(timed, node, lifecycle.released_ns, what)
        elif lifecycle.phase == "abandoned":
            self._abandoned.append((node, timed))

    def _add(self, timed: list[_Timed], node: Node, at_ns: int, what: What) -> None:
        timed.append((at_ns, Event(at_ns, what, node)))
        if (lifecycle := node.lifecycle) is not None:
            for last, owner in ((self._last_ns, lifecycle.task.id), (self._process_last_ns, lifecycle.process)):
                if last.get(owner, at_ns) <= at_ns:
                    last[owner] = at_ns
