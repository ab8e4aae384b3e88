"""Draws repetitions once: equal neighbours become a loop, equal sibling tasks become a par.

Two uses are equal when they have the same site, resource, outcome and HTTP status and equal uses inside them. Every
shape gets a number, from the leaves up, so a comparison is one lookup. Only closed lifecycles are folded. An open
lifecycle, or one that ends before a task created inside it, is drawn by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from tenure_server.diagram import phrases
from tenure_server.diagram.build_forest import Forest, Node, descendants
from tenure_server.diagram.steps import FragmentKind
from tenure_server.model.labels import name_in_source
from tenure_server.model.records import ExceptionInfo

MIN_REPETITIONS = 3  # with fewer there is no fragment
MAX_PERIOD = 4  # the largest number of siblings that repeat together

_Shape = tuple[object, ...]


class Fold:
    """Siblings that repeat, one or several at a time; ``shown``, the first repetition, is drawn for all."""

    __slots__ = ("fragment", "id", "label", "repetitions", "start_ns")

    def __init__(self, fragment: FragmentKind, fold_id: str, label: str, repetitions: list[list[Node]]) -> None:
        self.fragment = fragment
        self.id = fold_id
        self.label = label
        self.repetitions = repetitions
        self.start_ns = _first_ns(self.shown[0])

    @property
    def shown(self) -> list[Node]:
        return self.repetitions[0]

    @property
    def lifecycles(self) -> int:
        """How many lifecycles all repetitions have; each has as many as the first."""
        return len(self.repetitions) * sum(node.lifecycle is not None for node in descendants(self.shown))


# What is drawn inside a node instead of its children, by key(); with ROOTS what is drawn instead of the roots.
Folded = dict[str, "list[Node | Fold]"]
ROOTS = ""


def key(node: Node) -> str:
    """A unique key: tasks and lifecycles are numbered separately, so their ids may be equal."""
    return f"{node.id}:task" if node.lifecycle is None else node.id


def fold(forest: Forest, opened: Collection[str], *, with_roots: bool = False) -> Folded:
    """Find every repetition; folds in ``opened`` are not folded. ``with_roots``: also equal roots of the forest."""
    nodes = descendants(forest.roots)
    shapes = _Shapes(nodes)
    folded: Folded = {}
    if with_roots:
        roots = list(_pars(forest.roots, shapes, opened))
        if len(roots) < len(forest.roots):
            folded[ROOTS] = roots
    for node in nodes:
        if len(node.children) >= MIN_REPETITIONS:
            siblings: list[Node | Fold] = list(_pars(node.children, shapes, opened))
            siblings = list(_loops(siblings, shapes, opened))
            if len(siblings) < len(node.children):
                folded[key(node)] = siblings
    return folded


class _Shapes:
    """The number of each node's shape; a node that has not ended has none."""

    def __init__(self, nodes: list[Node]) -> None:
        self._uses = Counter(node.lifecycle.resource.id for node in nodes if node.lifecycle is not None)
        self._number_by_shape: dict[_Shape, int] = {}
        self._numbers: dict[str, int] = {}
        self._ends_ns: dict[str, int] = {}
        for node in reversed(nodes):
            self._assign(node)

    def of(self, node: Node) -> int | None:
        return self._numbers.get(key(node))

    def _assign(self, node: Node) -> None:
        end_ns = self._end_ns(node)
        if end_ns is None:
            return
        inside: list[object] = []
        for child in node.children:
            child_key = key(child)
            number = self._numbers.get(child_key)
            if number is None or self._ends_ns[child_key] > end_ns:
                return
            inside.append(number)
        shape = (*self._own_shape(node), *inside)
        node_key = key(node)
        self._numbers[node_key] = self._number_by_shape.setdefault(shape, len(self._number_by_shape))
        self._ends_ns[node_key] = end_ns

    def _end_ns(self, node: Node) -> int | None:
        """When the node ended. A root's end is that of the last node in it; it may go on, and do something else."""
        if node.lifecycle is not None:
            return node.lifecycle.released_ns
        if node.creator is not None or node.task is None:
            return node.task.finished_ns if node.task is not None else None
        return max((self._ends_ns[child] for child in map(key, node.children) if child in self._ends_ns), default=None)

    def _own_shape(self, node: Node) -> _Shape:
        if (lifecycle := node.lifecycle) is None:
            task = node.task
            return () if task is None else (task.coroutine, task.kind, task.outcome, _type(task.exception))
        site, resource = lifecycle.site, lifecycle.resource
        return (
            resource.id if self._uses[resource.id] > 1 else None,
            *(resource.kind, name_in_source(resource.name, resource.stereotype), resource.capacity),
            *(site.file, site.line, site.function, site.expression, site.enter, site.exit),
            *(lifecycle.acquire_outcome, lifecycle.body_outcome, lifecycle.release_outcome, lifecycle.suppressed),
            None if lifecycle.released_by is None else lifecycle.released_by.name,
            *(_type(lifecycle.body_exception), _type(lifecycle.raised), lifecycle.status),
        )


def _type(exception: ExceptionInfo | None) -> str | None:
    return None if exception is None else exception.type


def _first_ns(node: Node) -> int:
    """The place of a fold in the order of time, by the node that it shows.

    Of a use it is the acquired time, so that the lifecycle that it waited for is drawn above the fold.
    """
    if node.lifecycle is None:
        return _first_ns(node.children[0]) if node.creator is None and node.children else node.start_ns
    return node.lifecycle.acquire_ns if node.lifecycle.acquired_ns is None else node.lifecycle.acquired_ns


def _pars(siblings: list[Node], shapes: _Shapes, opened: Collection[str]) -> Iterator[Node | Fold]:
    groups: dict[int, list[Node]] = {}
    for node in siblings:
        if node.lifecycle is None and (shape := shapes.of(node)) is not None:
            groups.setdefault(shape, []).append(node)
    hidden: set[str] = set()
    folds: dict[str, Fold] = {}
    for group in groups.values():
        first = group[0]
        fold_id = f"{first.id}:par"
        if len(group) >= MIN_REPETITIONS and fold_id not in opened:
            folds[first.id] = Fold("par", fold_id, _par_label(group), [[node] for node in group])
            hidden.update(node.id for node in group[1:])
    for node in siblings:
        if node.lifecycle is not None:
            yield node
        elif node.id not in hidden:
            yield folds.get(node.id, node)


def _loops(siblings: list[Node | Fold], shapes: _Shapes, opened: Collection[str]) -> Iterator[Node | Fold]:
    numbers = [shapes.of(node) if isinstance(node, Node) and node.lifecycle is not None else None for node in siblings]
    start = 0
    while start < len(siblings):
        period, end = _longest_run(numbers, start)
        run = [node for node in siblings[start:end] if isinstance(node, Node)]
        if end == start:
            yield siblings[start]
            end = start + 1
        elif (fold_id := f"{run[0].id}:loop") in opened:
            yield from run
        else:
            repetitions = [run[i : i + period] for i in range(0, len(run), period)]
            yield Fold("loop", fold_id, _loop_label(run, period), repetitions)
        start = end


def _longest_run(numbers: list[int | None], start: int) -> tuple[int, int]:
    """How many siblings repeat together from ``start`` on, and the end of the longest run (``start``: none)."""
    best, best_end = 0, start
    for period in range(1, MAX_PERIOD + 1):
        first = numbers[start : start + period]
        if len(first) < period or None in first:
            break
        end = start + period
        while end < len(numbers) and numbers[end] == numbers[end - period]:
            end += 1
        end -= (end - start) % period
        if end - start >= MIN_REPETITIONS * period and end > best_end:
            best, best_end = period, end
    return best, best_end


def _loop_label(run: list[Node], period: int) -> str:
    times = len(run) // period
    lifecycles = [node.lifecycle for node in run if node.lifecycle is not None]
    if period > 1:
        pairs = zip(lifecycles[::period], lifecycles[period - 1 :: period], strict=True)
        return phrases.loop_of_several(times, [(last.released_ns or 0) - first.acquire_ns for first, last in pairs])
    waits = [(use.acquired_ns or use.released_ns or 0) - use.acquire_ns for use in lifecycles]
    holds = [use.release_ns - use.acquired_ns for use in lifecycles if use.acquired_ns and use.release_ns]
    return phrases.loop(times, waits, holds)


def _par_label(group: list[Node]) -> str:
    tasks = [node.task for node in group if node.task is not None]
    return phrases.par(len(group), phrases.common_name(tasks), [_duration_ns(node) for node in group])


def _duration_ns(node: Node) -> int:
    """How long a task ran; how long a root, whose beginning or end may not be known, was in the diagram."""
    if node.creator is not None and node.task is not None:
        return (node.task.finished_ns or 0) - (node.task.created_ns or 0)
    uses = [inner.lifecycle for inner in descendants([node]) if inner.lifecycle is not None]
    return max(use.released_ns or use.acquire_ns for use in uses) - min(use.acquire_ns for use in uses)
