"""Which task or lifecycle is inside which: tasks, the lifecycles in them, and the tasks created in those.

A forest has only what the diagram shows. Its edges always lead from an earlier record to a later one, so it has no
cycle even if the records contradict each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter

from tenure_server.model.lens import Lens
from tenure_server.model.records import Lifecycle, Task, TaskRef

_BEGINNING_NS = -(1 << 63)  # the start of a task whose creation is not recorded


class Node:
    """A lifecycle, or (``lifecycle`` is None) a task, with what is directly inside it in the order of time.

    A lifecycle starts at its acquire, but not before its parent. ``creator`` and ``created_in`` are set where the
    diagram shows the creation of the task.
    """

    __slots__ = ("children", "created_in", "creator", "id", "lifecycle", "ref", "start_ns", "task")

    def __init__(self, ref: TaskRef, lifecycle: Lifecycle | None, task: Task | None) -> None:
        self.ref = ref  # the task, or the task that the lifecycle belongs to
        self.lifecycle = lifecycle
        self.task = task  # its record, if there is one
        self.id = ref.id if lifecycle is None else lifecycle.id
        self.start_ns = _BEGINNING_NS if lifecycle is None else lifecycle.acquire_ns
        self.creator: Node | None = None
        self.created_in: Lifecycle | None = None
        self.children: list[Node] = []

    @property
    def process(self) -> str:
        """The process id of a lifecycle, or of a task that has a record; else ""."""
        return self.lifecycle.process if self.lifecycle is not None else self.task.process if self.task else ""


class Forest:
    """``roots``: tasks that no task in the diagram created; ``creating``: lifecycles in which a task was created."""

    def __init__(self, roots: list[Node], creating: set[str]) -> None:
        self.roots = roots
        self.creating = creating


def descendants(nodes: Sequence[Node]) -> list[Node]:
    """These nodes and every node in them, each before its children."""
    ordered: list[Node] = []
    stack = list(reversed(nodes))
    while stack:
        node = stack.pop()
        ordered.append(node)
        stack.extend(reversed(node.children))
    return ordered


def build_forest(lifecycles: Iterable[Lifecycle], tasks: Mapping[str, Task], lens: Lens) -> Forest:
    """Put every lifecycle into its task, and every task into its creator where that is in the diagram."""
    ordered = in_order(lifecycles)
    refs = {lifecycle.task.id: lifecycle.task for lifecycle in ordered}
    releasers = {use.released_by.id: use.released_by for use in ordered if use.released_by is not None}
    refs |= {task_id: ref for task_id, ref in releasers.items() if task_id in tasks}
    creators = _creators(refs, tasks, lens)
    refs |= {task_id: TaskRef(task_id, tasks[task_id].name) for task_id in creators.values() if task_id not in refs}
    nodes = {task_id: Node(ref, None, tasks.get(task_id)) for task_id, ref in refs.items()}
    nodes_by_lifecycle = _nest_lifecycles(ordered, nodes)
    roots = _nest_tasks(nodes, creators, nodes_by_lifecycle)
    for node in nodes.values():
        node.children.sort(key=attrgetter("start_ns"))
    for node in nodes_by_lifecycle.values():
        if len(node.children) > 1:
            node.children.sort(key=attrgetter("start_ns"))
    creating = {task.created_in for task in tasks.values() if task.created_in is not None}
    return Forest(sorted(roots, key=_first_event_ns), creating)


def in_order(lifecycles: Iterable[Lifecycle]) -> list[Lifecycle]:
    """Each lifecycle once, by the time of its acquire and then by its number, but never before its parent in its task.

    A parent may have the later time: the clocks of other services' SDKs can be coarse. JavaScript's spans begin at
    whole milliseconds.
    """
    by_id = {lifecycle.id: lifecycle for lifecycle in lifecycles}
    ordered = sorted(by_id.values(), key=lambda lifecycle: (lifecycle.acquire_ns, len(lifecycle.id), lifecycle.id))
    position = {lifecycle.id: number for number, lifecycle in enumerate(ordered)}
    late = {use.id for use in ordered if use.parent in position and position[use.parent] > position[use.id]}
    if not late:
        return ordered
    parents_first: dict[str, Lifecycle] = {}
    for lifecycle in ordered:
        chain = [lifecycle]
        while chain[-1].id in late and chain[-1].task.id == by_id[chain[-1].parent or ""].task.id:
            late.discard(chain[-1].id)  # once only, so that parents in a cycle end the loop
            chain.append(by_id[chain[-1].parent or ""])
        for ancestor in reversed(chain):
            parents_first.setdefault(ancestor.id, ancestor)
    return list(parents_first.values())


def _creators(used_tasks: Collection[str], tasks: Mapping[str, Task], lens: Lens) -> dict[str, str]:
    """Each task whose creation is shown, and its creator. ``used_tasks`` have lifecycles in the diagram.

    Shown are these tasks and the creators of shown tasks. Where the lens has a subject, a chain of creators that leads
    to no task with lifecycles is left out.
    """
    if lens.tasks == "coroutine":
        return {}
    has_no_subject = lens.trace is None and lens.task is None and lens.resource is None
    creators: dict[str, str] = {}
    for used_task in used_tasks:
        chain: dict[str, str] = {}
        task_id = used_task
        while (creator := _creator(task_id, tasks, lens)) is not None and task_id not in creators:
            chain[task_id] = creator
            task_id = creator
            if task_id in used_tasks:
                break
        if has_no_subject or task_id in used_tasks or task_id in creators:
            creators.update(chain)
    return creators


def _creator(task_id: str, tasks: Mapping[str, Task], lens: Lens) -> str | None:
    task = tasks.get(task_id)
    creator = tasks.get(task.parent) if task is not None and task.parent is not None else None
    if task is None or creator is None or task.created_ns is None:
        return None
    if lens.since_ns is not None and task.created_ns < lens.since_ns:
        return None
    if creator.created_ns is not None and _creation_order(creator) >= _creation_order(task):
        return None
    return creator.id


def _creation_order(task: Task) -> tuple[int, int, str]:
    return task.created_ns or 0, len(task.id), task.id


def _nest_lifecycles(ordered: list[Lifecycle], tasks: Mapping[str, Node]) -> dict[str, Node]:
    nodes_by_lifecycle: dict[str, Node] = {}
    for lifecycle in ordered:
        node = Node(lifecycle.task, lifecycle, None)
        parent = nodes_by_lifecycle.get(lifecycle.parent) if lifecycle.parent is not None else None
        if parent is None or parent.lifecycle is None or parent.lifecycle.task.id != lifecycle.task.id:
            parent = tasks[lifecycle.task.id]
        node.start_ns = max(node.start_ns, parent.start_ns)
        parent.children.append(node)
        nodes_by_lifecycle[lifecycle.id] = node
    return nodes_by_lifecycle


def _nest_tasks(
    nodes: Mapping[str, Node], creators: Mapping[str, str], nodes_by_lifecycle: Mapping[str, Node]
) -> list[Node]:
    roots: list[Node] = []
    for node in nodes.values():
        creator, task = nodes.get(creators.get(node.id, "")), node.task
        if creator is None or task is None or task.created_ns is None:
            roots.append(node)
            continue
        node.creator, node.start_ns = creator, task.created_ns
        parent = nodes_by_lifecycle.get(task.created_in) if task.created_in is not None else None
        if parent is not None and parent.lifecycle is not None and parent.lifecycle.task.id == creator.id:
            node.created_in = parent.lifecycle
            parent.children.append(node)
        else:
            creator.children.append(node)
    return roots


def _first_event_ns(root: Node) -> int:
    return root.children[0].start_ns if root.children else _BEGINNING_NS
