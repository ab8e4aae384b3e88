"""Who stands inside whom: tasks, the lifecycles in them, and the tasks created in those.

A forest is made of what the picture shows and nothing else. Its edges always lead from an earlier record to a later
one, so that not even records that contradict each other can make a circle of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import attrgetter

from tenure_server.model.lens import Lens
from tenure_server.model.records import Lifecycle, Task, TaskRef

_ALWAYS = -(1 << 63)  # the start of a task of which nobody knows when it was created


class Node:
    """A lifecycle, or (``lifecycle`` is None) a task, with what is directly inside it in the order of time.

    A lifecycle starts at its acquire, and not before the one that it is in. ``creator`` and ``created_in`` are set for
    a task whose creation the picture shows.
    """

    __slots__ = ("children", "created_in", "creator", "id", "lifecycle", "ref", "start_ns", "task")

    def __init__(self, ref: TaskRef, lifecycle: Lifecycle | None, task: Task | None) -> None:
        self.ref = ref  # the task, or the task that the lifecycle belongs to
        self.lifecycle = lifecycle
        self.task = task  # what is known of the task
        self.id = ref.id if lifecycle is None else lifecycle.id
        self.start_ns = _ALWAYS if lifecycle is None else lifecycle.acquire_ns
        self.creator: Node | None = None
        self.created_in: Lifecycle | None = None
        self.children: list[Node] = []

    @property
    def process(self) -> str:
        """Of a lifecycle, or of a task of which a record is there."""
        return self.lifecycle.process if self.lifecycle is not None else self.task.process if self.task else ""


class Forest:
    """``roots``: tasks that no task of the picture created; ``busy``: lifecycles in whose body a task was created."""

    def __init__(self, roots: list[Node], busy: set[str]) -> None:
        self.roots = roots
        self.busy = busy


def walk(nodes: Sequence[Node]) -> list[Node]:
    """These nodes and every node in them, each before what is inside it."""
    found: list[Node] = []
    stack = list(reversed(nodes))
    while stack:
        node = stack.pop()
        found.append(node)
        stack.extend(reversed(node.children))
    return found


def build_forest(lifecycles: Iterable[Lifecycle], tasks: Mapping[str, Task], lens: Lens) -> Forest:
    """Put every lifecycle into its task, and every task into the one that created it, where that is in the picture."""
    ordered = in_order(lifecycles)
    refs = {lifecycle.task.id: lifecycle.task for lifecycle in ordered}
    creators = _creators(refs, tasks, lens)
    refs |= {task_id: TaskRef(task_id, tasks[task_id].name) for task_id in creators.values() if task_id not in refs}
    nodes = {task_id: Node(ref, None, tasks.get(task_id)) for task_id, ref in refs.items()}
    inside = _plant_lifecycles(ordered, nodes)
    roots = _plant_tasks(nodes, creators, inside)
    for node in nodes.values():
        node.children.sort(key=attrgetter("start_ns"))
    for node in inside.values():
        if len(node.children) > 1:
            node.children.sort(key=attrgetter("start_ns"))
    busy = {task.created_in for task in tasks.values() if task.created_in is not None}
    return Forest(sorted(roots, key=_first_event_ns), busy)


def in_order(lifecycles: Iterable[Lifecycle]) -> list[Lifecycle]:
    """Each lifecycle once, by the time and then by the number of its acquire; none before its parent in its task.

    Clocks of other services' SDKs may be too coarse to say so: JavaScript's spans begin at whole milliseconds.
    """
    once = {lifecycle.id: lifecycle for lifecycle in lifecycles}
    ordered = sorted(once.values(), key=lambda lifecycle: (lifecycle.acquire_ns, len(lifecycle.id), lifecycle.id))
    place = {lifecycle.id: number for number, lifecycle in enumerate(ordered)}
    late = {one.id for one in ordered if one.parent in place and place[one.parent] > place[one.id]}
    if not late:
        return ordered
    found: dict[str, Lifecycle] = {}
    for lifecycle in ordered:
        chain = [lifecycle]
        while chain[-1].id in late and chain[-1].task.id == once[chain[-1].parent or ""].task.id:
            late.discard(chain[-1].id)  # looked at once: records that contradict each other end here
            chain.append(once[chain[-1].parent or ""])
        for one in reversed(chain):
            found.setdefault(one.id, one)
    return list(found.values())


def _creators(busy: Collection[str], tasks: Mapping[str, Task], lens: Lens) -> dict[str, str]:
    """Each task of the picture whose creation is shown, and the task that created it.

    Seen are tasks with lifecycles, and tasks that created a seen one. Where the lens has a subject, a chain of creators
    that leads to no task with lifecycles is left out: it is not what was asked for.
    """
    if lens.tasks == "coroutine":
        return {}
    whole = lens.trace is None and lens.task is None and lens.resource is None
    creators: dict[str, str] = {}
    for task_id in busy:
        chain: dict[str, str] = {}
        here = task_id
        while (creator := _creator(here, tasks, lens)) is not None and here not in creators:
            chain[here] = creator
            here = creator
            if here in busy:
                break
        if whole or here in busy or here in creators:
            creators.update(chain)
    return creators


def _creator(task_id: str, tasks: Mapping[str, Task], lens: Lens) -> str | None:
    task = tasks.get(task_id)
    creator = tasks.get(task.parent) if task is not None and task.parent is not None else None
    if task is None or creator is None or task.created_ns is None:
        return None
    if lens.since_ns is not None and task.created_ns < lens.since_ns:
        return None
    if creator.created_ns is not None and _age(creator) >= _age(task):
        return None
    return creator.id


def _age(task: Task) -> tuple[int, int, str]:
    return task.created_ns or 0, len(task.id), task.id


def _plant_lifecycles(ordered: list[Lifecycle], tasks: Mapping[str, Node]) -> dict[str, Node]:
    inside: dict[str, Node] = {}
    for lifecycle in ordered:
        node = Node(lifecycle.task, lifecycle, None)
        around = inside.get(lifecycle.parent) if lifecycle.parent is not None else None
        if around is None or around.lifecycle is None or around.lifecycle.task.id != lifecycle.task.id:
            around = tasks[lifecycle.task.id]
        node.start_ns = max(node.start_ns, around.start_ns)
        around.children.append(node)
        inside[lifecycle.id] = node
    return inside


def _plant_tasks(nodes: Mapping[str, Node], creators: Mapping[str, str], inside: Mapping[str, Node]) -> list[Node]:
    roots: list[Node] = []
    for node in nodes.values():
        creator, task = nodes.get(creators.get(node.id, "")), node.task
        if creator is None or task is None or task.created_ns is None:
            roots.append(node)
            continue
        node.creator, node.start_ns = creator, task.created_ns
        around = inside.get(task.created_in) if task.created_in is not None else None
        if around is not None and around.lifecycle is not None and around.lifecycle.task.id == creator.id:
            node.created_in = around.lifecycle
            around.children.append(node)
        else:
            creator.children.append(node)
    return roots


def _first_event_ns(root: Node) -> int:
    return root.children[0].start_ns if root.children else _ALWAYS
