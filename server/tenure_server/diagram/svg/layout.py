"""From steps to positions: rows, lifelines, activations, fragments and tags."""

from __future__ import annotations

from collections.abc import Iterable

from tenure_server.diagram.mermaid_notes import wrap
from tenure_server.diagram.steps import (
    Activate,
    Begin,
    Create,
    Deactivate,
    Declare,
    Destroy,
    End,
    Message,
    Note,
    Participant,
    Step,
)
from tenure_server.diagram.svg import sizes
from tenure_server.diagram.svg.colours import HUES, PLAIN_HUES
from tenure_server.diagram.svg.heads import head_of
from tenure_server.diagram.svg.shapes import Activation, ArrowEnd, Column, Fragment, MessageRow, NoteRow, OpenTag
from tenure_server.diagram.svg.spacing import Slots, Spacing
from tenure_server.diagram.svg.text_width import width_of


class Layout:
    """Where everything stands. ``height``: of the steps, without heads and tags."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self.messages: list[MessageRow] = []
        self.notes: list[NoteRow] = []
        self.tags: list[OpenTag] = []
        self.activations: list[Activation] = []
        self.fragments: list[Fragment] = []
        self.columns: list[Column] = []
        self.spacing = Spacing()
        self._slots = Slots()
        self._column_by_id: dict[str, Column] = {}
        self._open_fragments: list[Fragment] = []
        self._hues = _Hues()
        self._y = 0.0
        self._line = 0.0  # height of the last message's line, where activations begin and end
        self._creating: Participant | None = None
        self._destroying: str | None = None
        for step in steps:
            self._add(step)
        self.height = self._y + sizes.TAIL

    def _add(self, step: Step) -> None:
        match step:
            case Declare():
                self._add_column(step.participant, self._slots.next(), 0.0, is_created=False)
            case Create():
                self._creating = step.participant
            case Destroy():
                self._destroying = step.participant
            case Message():
                self._add_message(step)
            case Note():
                self._add_note(step)
            case Activate():
                self._activate(step)
            case Deactivate():
                self._close(self._column_by_id[step.participant], step.lifecycle)
            case Begin():
                self._begin_fragment(step)
            case End():
                self._end_fragment()

    def _add_column(self, participant: Participant, slot: int, top: float, *, is_created: bool) -> Column:
        column = Column(participant, slot, top, is_created, head_of(participant), self._hues.of(participant))
        self.spacing.fit_head(slot, column.head.width)
        self.columns.append(column)
        self._column_by_id[participant.id] = column
        return column

    def _add_message(self, step: Message) -> None:
        source = self._column_by_id[step.source]
        creates = self._creating is not None and self._creating.id == step.target
        destroys = self._destroying == step.source
        line = self._y + (sizes.CREATE_LINE if creates else sizes.MESSAGE_LINE)
        if creates and self._creating is not None:
            self._add_column(self._creating, self._slots.right_of(source.slot), line, is_created=True)
        target = self._column_by_id[step.target]
        self._creating = None
        self._line = line
        self._y += _height_of(creates=creates, destroys=destroys, is_self=source is target)
        if step.activate:
            self._open(target, step.lifecycle, line)
        row = MessageRow(step, line, _end_at(source, step), _end_at(target, step), creates, destroys)
        self.messages.append(row)
        self._fit_label(row)
        if step.deactivate:
            self._close(source, step.lifecycle)
        if destroys:
            self._end_column(source, step)
        self._widen_fragment(source.slot, target.slot)

    def _fit_label(self, row: MessageRow) -> None:
        source, target = row.source.column, row.target.column
        width = min(width_of(row.step.label[:200], sizes.LABEL), sizes.LABEL_MAX)
        if source is target:
            self.spacing.fit_overhang(source.slot, sizes.SELF + sizes.SELF_LABEL_GAP + width)
            return
        head = target.head.width / 2 if row.creates else 0.0
        self.spacing.fit_label(source.slot, target.slot, width + sizes.LABEL_PADDING + head)
        self.spacing.fit_width(width + 2 * sizes.EDGE)

    def _end_column(self, column: Column, step: Message) -> None:
        column.bottom, column.outcome = self._line, step.outcome
        for activation in column.open:
            activation.bottom = self._line
        column.open.clear()
        self._destroying = None
        self._slots.release(column.slot)

    def _add_note(self, step: Note) -> None:
        over = sorted((self._column_by_id[participant] for participant in step.over), key=lambda column: column.slot)
        anchor = _anchor(over, step)
        if step.kind == "open":
            self.tags.append(OpenTag(step, anchor))
            return
        lines = wrap(step.text, sizes.NOTE_PLACES)
        width = max(width_of(line, sizes.LABEL) for line in lines) + sizes.NOTE_PADDING
        self.notes.append(NoteRow(step, self._y, lines, width, over[0], over[-1], anchor))
        self.spacing.fit_width(width + 2 * sizes.EDGE)
        self._y += sizes.NOTE_ROW + (len(lines) - 1) * sizes.LINE
        self._widen_fragment(over[0].slot, over[-1].slot)

    def _activate(self, step: Activate) -> None:
        """Begin an activation at the reply before it, which then starts at the edge of the activation."""
        column = self._column_by_id[step.participant]
        self._open(column, step.lifecycle, self._line)
        reply = self.messages[-1] if self.messages else None
        if reply is not None and reply.source.column is column and reply.step.lifecycle == step.lifecycle:
            reply.source = _end_at(column, reply.step)

    def _open(self, column: Column, lifecycle: str | None, top: float) -> None:
        taken = {activation.level for activation in column.open}
        level = next((level for level in range(sizes.LEVELS - 1) if level not in taken), sizes.LEVELS - 1)
        activation = Activation(column, level, top, lifecycle)
        self.activations.append(activation)
        column.open.append(activation)
        self.spacing.fit_level(column.slot, level)

    def _close(self, column: Column, lifecycle: str | None) -> None:
        """End the activation of the lifecycle; if there is none, the one that was opened last."""
        own = [activation for activation in column.open if lifecycle is not None and activation.lifecycle == lifecycle]
        for activation in own[:1] or column.open[-1:]:
            activation.bottom = self._line
            column.open.remove(activation)

    def _begin_fragment(self, step: Begin) -> None:
        fragment = Fragment(step, self._y + sizes.FRAGMENT_TOP)
        self.fragments.append(fragment)
        self._open_fragments.append(fragment)
        self._y += sizes.BEGIN_ROW

    def _end_fragment(self) -> None:
        fragment = self._open_fragments.pop()
        self._y += sizes.END_ROW
        fragment.bottom = self._y - sizes.FRAGMENT_BOTTOM
        if fragment.right < 0:
            return
        if self._open_fragments:
            outer = self._open_fragments[-1]
            outer.inset = max(outer.inset, fragment.inset + 1)
        self._widen_fragment(fragment.left, fragment.right)

    def _widen_fragment(self, *slots: int) -> None:
        if self._open_fragments:
            fragment = self._open_fragments[-1]
            fragment.left, fragment.right = min(fragment.left, *slots), max(fragment.right, *slots)


class _Hues:
    """Hues in the order in which resources appear. Locks, pools and queues share none with plain resources."""

    def __init__(self) -> None:
        self._by_resource: dict[str, int] = {}
        self._plain = 0

    def of(self, participant: Participant) -> int:
        """The number of the hue; -1 for a task, which has no colour of its own."""
        if participant.role == "task":
            return -1
        known = self._by_resource.get(participant.ref)
        if known is not None:
            return known
        if participant.stereotype == "participant":
            hue = HUES - PLAIN_HUES + self._plain % PLAIN_HUES
            self._plain += 1
        else:
            hue = (len(self._by_resource) - self._plain) % (HUES - PLAIN_HUES)
        self._by_resource[participant.ref] = hue
        return hue


def _anchor(over: list[Column], step: Note) -> Column:
    """Where a note belongs: the column of its lifecycle's activation, else the task's, else the first."""
    if step.lifecycle is not None:
        for column in over:
            if any(activation.lifecycle == step.lifecycle for activation in column.open):
                return column
    return next((column for column in over if column.participant.role == "task"), over[0])


def _height_of(*, creates: bool, destroys: bool, is_self: bool) -> int:
    if creates:
        return sizes.CREATE_ROW
    if destroys:
        return sizes.DESTROY_ROW
    return sizes.SELF_ROW if is_self else sizes.MESSAGE_ROW


def _end_at(column: Column, step: Message) -> ArrowEnd:
    own = (activation.level for activation in column.open if activation.lifecycle == step.lifecycle)
    level = None if step.lifecycle is None else next(own, None)
    return ArrowEnd(column, level, max((activation.level for activation in column.open), default=-1))
