"""From lifecycles to steps: how each event is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from tenure_server.diagram import phrases
from tenure_server.diagram.build_forest import Forest, Node, build_forest, in_order
from tenure_server.diagram.canvas import Canvas
from tenure_server.diagram.cross_process import with_callers
from tenure_server.diagram.fold import Fold, fold
from tenure_server.diagram.fold_cancellers import FoldCancellers
from tenure_server.diagram.fold_waits import wait_texts
from tenure_server.diagram.order_events import Event, EventKind, events
from tenure_server.diagram.process_names import ProcessNames
from tenure_server.diagram.steps import Activate, Deactivate, Message, Note, Step
from tenure_server.diagram.wait_causes import Causes, find_causes
from tenure_server.model.labels import is_server_error
from tenure_server.model.lens import Lens
from tenure_server.model.records import Lifecycle, Process, Task


def draw(
    lifecycles: Iterable[Lifecycle],
    tasks: Mapping[str, Task],
    lens: Lens,
    now_ns: int,
    context: Iterable[Lifecycle] = (),
    *,
    fold_roots: bool = False,
    processes: Mapping[str, Process] = MappingProxyType({}),
) -> list[Step]:
    """The diagram of some lifecycles as steps, in the order in which they are drawn.

    ``lifecycles`` are all that the lens shows, in any order. ``tasks`` are the records of their tasks and of the tasks
    that created those, by id; a task without a record is drawn by its name alone. ``context`` are other lifecycles of
    the same resources, which are not drawn and only explain waits. ``processes``, by id, are those of the lifecycles.
    Open lifecycles are drawn up to ``now_ns`` (ns since the Unix epoch). ``fold_roots``: a lens that folds also folds
    equal tasks that no task in the diagram created.
    """
    ordered = in_order(lifecycles)
    tasks = with_callers(ordered, tasks)
    forest = build_forest(ordered, tasks, lens)
    folded = fold(forest, lens.opened, with_roots=fold_roots) if lens.fold else {}
    services = {lifecycle.process: lifecycle.service for lifecycle in ordered}
    canvas = Canvas(lens, tasks, ProcessNames(services, processes))
    drawer = _Drawer(canvas, forest, find_causes(ordered, context), now_ns)
    for event in events(forest, folded):
        drawer.show(event)
    for lifecycle in ordered:
        if lifecycle.released_ns is None and lifecycle.phase in ("acquiring", "held", "releasing"):
            drawer.show_open(lifecycle)
    return canvas.steps


class _Drawer:
    def __init__(self, canvas: Canvas, forest: Forest, wait_causes: Causes, now_ns: int) -> None:
        self._canvas = canvas
        self._append = canvas.steps.append
        self._creating = forest.creating
        self._causes = wait_causes
        self._now_ns = now_ns
        self._fold_wait_texts: dict[str, str] = {}  # by the lifecycle that is drawn for a fold: the text of the waits
        self._fold_cancellers = FoldCancellers()
        self._active: set[str] = set()  # lifecycles with an activation that has not ended

    def show(self, event: Event) -> None:
        subject, kind = event.subject, event.kind
        if isinstance(subject, Fold):
            if kind is EventKind.FOLD_BEGIN:
                self._canvas.begin(subject)
                self._fold_cancellers.add(subject)
                self._fold_wait_texts |= wait_texts(subject, self._causes.at_acquire)
            else:
                self._canvas.end(subject)
        elif subject.lifecycle is not None:
            self._show_use(subject, self._fold_cancellers.lifecycle(subject.lifecycle), kind, event.at_ns)
        elif kind is EventKind.CREATED:
            self._created(subject, event.at_ns)
        elif subject.task is not None:
            self._finished(subject, self._fold_cancellers.task(subject.task))

    def _show_use(self, node: Node, use: Lifecycle, kind: EventKind, at_ns: int) -> None:
        task = self._canvas.task(use.task, use.process)
        resource = self._canvas.resource(use.resource, use.process)
        if kind in {EventKind.ACQUIRED, EventKind.RELEASE} and not use.site.exit:
            return  # a span of another service has only a begin and an end
        is_wait = use.site.exit in phrases.WAIT_ENDS
        if is_wait and kind in {EventKind.ACQUIRED, EventKind.RELEASE}:
            if use.released_by is not None and kind is EventKind.RELEASE and use.site.exit == "notify":
                self._notify(use, self._canvas.task(use.released_by, use.process), resource)
            return
        is_release = kind in {EventKind.RELEASE, EventKind.RELEASED}
        if is_release and use.released_by is not None and not is_wait:
            task = self._canvas.task(use.released_by, use.process)
        if kind is EventKind.ACQUIRE:
            self._acquire(use, task, resource)
        elif kind is EventKind.ACQUIRED:
            self._acquired(use, task, resource, at_ns)
        elif kind is EventKind.RELEASE:
            self._release(node, use, task, resource)
        elif kind is EventKind.ABANDONED:
            self._abandoned(use, task, resource, at_ns)
        else:
            self._ended(use, task, resource, at_ns)

    def _acquire(self, use: Lifecycle, task: str, resource: str) -> None:
        is_acquired = not use.site.exit and use.acquired_ns is not None  # a span: no reply follows
        self._append(
            Message(
                id=f"{use.id}:acquire",
                source=task,
                target=resource,
                arrow="->>",
                label=phrases.enter_call(use),
                at_ns=use.acquire_ns,
                lifecycle=use.id,
                activate=is_acquired,
            )
        )
        if is_acquired:
            self._active.add(use.id)
        if (wait := self._wait(use, self._canvas.note_columns(task, resource))) is not None:
            self._append(wait)

    def _wait(self, use: Lifecycle, over: list[str]) -> Note | None:
        """The note of the wait for an acquire; in a fold, of the waits in all repetitions."""
        cause, lead, since_ns = self._causes.at_acquire.get(use.id), None, None
        end_ns = use.released_ns if use.acquired_ns is None else use.acquired_ns
        if self._canvas.in_fold:
            text = self._fold_wait_texts.get(use.id)
        elif cause is None:
            text = None
        elif end_ns is not None or use.phase == "abandoned":
            wait_ns = None if end_ns is None else end_ns - use.acquire_ns
            text = phrases.waits_for(cause.text, wait_ns, cause.end_text)
        else:
            lead, since_ns = phrases.waits_for(cause.text, None), use.acquire_ns
            text = phrases.ticking(lead, since_ns, self._now_ns)
        if text is None:
            return None
        return Note(f"{use.id}:wait", over, text, use.acquire_ns, use.id, "wait", lead, since_ns)

    def _acquired(self, use: Lifecycle, task: str, resource: str, at_ns: int) -> None:
        self._append(
            Message(
                id=f"{use.id}:acquired",
                source=resource,
                target=task,
                arrow="-->>",
                label=phrases.acquired(self._duration(use.acquire_ns, at_ns)),
                at_ns=at_ns,
                lifecycle=use.id,
                outcome="ok",
            )
        )
        self._active.add(use.id)
        self._append(Activate(f"{use.id}:active", resource, use.id))

    def _release(self, node: Node, use: Lifecycle, task: str, resource: str) -> None:
        at_ns = use.release_ns or 0
        is_leaf = not node.children and use.id not in self._creating and use.released_by is None
        if is_leaf and use.body_outcome == "ok" and use.acquired_ns is not None and not self._canvas.in_fold:
            body = phrases.body(at_ns - use.acquired_ns)
            self._append(Message(f"{use.id}:body", task, task, "->>", body, at_ns, use.id, "ok"))
        self._append(
            Message(
                id=f"{use.id}:release",
                source=task,
                target=resource,
                arrow="->>",
                label=phrases.exit_call(use),
                at_ns=at_ns,
                lifecycle=use.id,
                outcome=None if use.propagated or use.body_outcome == "ok" else use.body_outcome,
            )
        )

    def _notify(self, use: Lifecycle, task: str, resource: str) -> None:
        """The message that ends a wait for a condition; the wait itself holds nothing."""
        label = phrases.exit_call(use)
        self._append(Message(f"{use.id}:release", task, resource, "->>", label, use.release_ns or 0, use.id))

    def _ended(self, use: Lifecycle, task: str, resource: str, at_ns: int) -> None:
        """The arrow with which a lifecycle ends: a failed acquire, or a release that succeeded or failed."""
        if use.acquired_ns is None:
            label = phrases.acquire_failed(use, self._duration(use.acquire_ns, at_ns))
            outcome = use.acquire_outcome or "error"
        else:
            start_ns = use.release_ns if use.site.exit not in {"", *phrases.WAIT_ENDS} else use.acquire_ns
            label = phrases.released(use, self._duration(start_ns, at_ns))
            outcome = use.release_outcome or "ok"
            is_told = use.suppressed or (use.propagated and use.body_outcome == "error")
            if outcome == "ok" and not is_told and use.body_outcome is not None:
                outcome = use.body_outcome
            if outcome == "ok" and is_server_error(use.status):
                outcome = "error"
        succeeded = outcome == "ok"
        active = use.id in self._active
        self._append(
            Message(
                id=f"{use.id}:released",
                source=resource,
                target=task,
                arrow="-->>" if succeeded else "--x",
                label=label,
                at_ns=at_ns,
                lifecycle=use.id,
                outcome=outcome,
                deactivate=active and succeeded,
            )
        )
        self._active.discard(use.id)
        if active and not succeeded:
            self._append(Deactivate(f"{use.id}:inactive", resource, use.id))

    def _abandoned(self, use: Lifecycle, task: str, resource: str, at_ns: int) -> None:
        self._append(
            Note(
                id=f"{use.id}:abandoned",
                over=self._canvas.note_columns(task, resource),
                text=phrases.abandoned(use),
                at_ns=at_ns,
                lifecycle=use.id,
                outcome="error",
            )
        )
        if use.id in self._active:
            self._active.discard(use.id)
            self._append(Deactivate(f"{use.id}:inactive", resource, use.id))

    def _created(self, node: Node, at_ns: int) -> None:
        if node.creator is None:
            return
        caller = self._caller(node)
        source = caller or self._canvas.task(node.creator.ref, node.creator.process)
        target = self._canvas.create(node.ref, node.process)
        self._append(Message(f"{node.id}:created", source, target, "-)", "request" if caller else "create_task", at_ns))

    def _caller(self, node: Node) -> str | None:
        """For a task that another process called: the resource of that call."""
        call = node.created_in
        if call is None or call.process == node.process:
            return None
        return self._canvas.resource(call.resource, call.process)

    def _finished(self, node: Node, record: Task) -> None:
        source = self._canvas.task(node.ref, node.process)
        target = self._completion_target(node, source)
        outcome, at_ns = record.outcome or "ok", record.finished_ns or 0
        if target != source:
            self._canvas.destroy(node.ref, source)
        self._append(
            Message(
                id=f"{node.id}:done",
                source=source,
                target=target,
                arrow="--)" if outcome == "ok" else "--x",
                label=phrases.finished(record, self._duration(record.created_ns, at_ns)),
                at_ns=at_ns,
                outcome=outcome,
            )
        )

    def _completion_target(self, node: Node, source: str) -> str:
        """Where the arrow of a task's end leads: its task group, else its creator, else, if that has ended, itself."""
        if (caller := self._caller(node)) is not None:
            return caller
        group = node.created_in
        if group is not None and group.resource.kind.endswith("TaskGroup"):
            return self._canvas.resource(group.resource, node.process)
        creator = source if node.creator is None else self._canvas.task(node.creator.ref, node.process)
        return creator if self._canvas.is_present(creator) else source

    def show_open(self, use: Lifecycle) -> None:
        """The current state of an open lifecycle, at the bottom edge."""
        task = self._canvas.task(use.task, use.process)
        resource = self._canvas.resource(use.resource, use.process)
        cause = self._causes.now.get(use.id)
        lead, since_ns = phrases.still(use, None if cause is None else cause.text)
        if not self._canvas.is_present(task):
            lead = f"{lead} by {phrases.task(use.task.name)}"
        self._append(
            Note(
                id=f"{use.id}:open",
                over=self._canvas.note_columns(task, resource),
                text=phrases.ticking(lead, since_ns, self._now_ns),
                at_ns=self._now_ns,
                lifecycle=use.id,
                kind="open",
                lead=lead,
                since_ns=since_ns,
            )
        )

    def _duration(self, since_ns: int | None, until_ns: int) -> int | None:
        """None inside a fold, where one repetition is drawn for all and its own times are not shown."""
        return None if since_ns is None or self._canvas.in_fold else max(until_ns - since_ns, 0)
