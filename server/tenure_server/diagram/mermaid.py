"""Steps as the text of a Mermaid sequence diagram."""

from __future__ import annotations

from collections.abc import Sequence

from tenure_server.diagram import left_out
from tenure_server.diagram.left_out import DiagramText
from tenure_server.diagram.mermaid_activations import join_activations
from tenure_server.diagram.mermaid_escape import encode_title
from tenure_server.diagram.mermaid_notes import each_wait_once, note_of_lines, wrap
from tenure_server.diagram.mermaid_statements import Dialect, OpenParts, Statements
from tenure_server.diagram.steps import Begin, Create, Destroy, Message, Step

LIMIT = 50_000  # characters; Mermaid's default for "maxTextSize"

_INDENT = "    "
_EMPTY = ["participant p1 as Tenure"]  # a note needs a participant


def mermaid(steps: Sequence[Step], limit: int = LIMIT, *, title: str = "", dialect: Dialect = "plain") -> str:
    """The text of ``mermaid_text`` for steps before which no lifecycle is left out."""
    return mermaid_text(steps, limit, title=title, dialect=dialect).text


def mermaid_text(
    steps: Sequence[Step],
    limit: int = LIMIT,
    *,
    title: str = "",
    dialect: Dialect = "plain",
    earlier: int = 0,
    remedy: Sequence[str] = (),
) -> DiagramText:
    """The text, ending in a line end, of at most ``limit`` characters (counted as in JavaScript).

    A note at the top says how many lifecycles ``earlier`` than the steps are left out. Steps that do not fit are left
    out, and a note says how many. The last of these notes has the lines of ``remedy``: how to get what is left out.
    Activations that are open at the end are ended there, because Mermaid draws no bar for an activation without an end.
    """
    steps = join_activations(steps)
    head = f"---\ntitle: {encode_title(title)}\n---\n" if title else ""
    head += "sequenceDiagram\n"
    if not steps:
        return DiagramText(_join(head, [*_EMPTY, "Note over p1: nothing was held"]), 0, earlier, is_whole=True)
    statements = Statements(steps, dialect)
    whole = _Draft(head, statements, each_wait_once(steps, is_whole=True), limit)
    if earlier:
        whole.preface = _left_out_note("p1", left_out.earlier_lifecycles(earlier), remedy)
    if whole.fits():
        return DiagramText(whole.text(len(whole.steps)), whole.drawn[-1], earlier, is_whole=True)
    part = _Draft(head, statements, each_wait_once(steps, is_whole=False), limit, remedy)
    if earlier:
        part.preface = _left_out_note("p1", left_out.earlier_lifecycles(earlier), ())
    shown = part.shown()
    missing = part.drawn[-1] - part.drawn[shown]
    return DiagramText(part.text(shown), part.drawn[shown], earlier + missing, is_whole=False)


class _Draft:
    """Steps, and how many of them fit."""

    preface = ""  # the note at the top; none if empty

    def __init__(
        self, head: str, statements: Statements, steps: list[Step], limit: int, remedy: Sequence[str] = ()
    ) -> None:
        self.steps = steps
        self.drawn = left_out.drawn_lifecycles(steps)
        self._head = head
        self._statements = statements
        self._limit = limit
        self._remedy = remedy

    def fits(self) -> bool:
        """Whether all steps fit, together with the statements that close what they leave open."""
        open_parts = OpenParts(self._statements.names)
        size = self._size_of_head()
        for step in self.steps:
            size += _size(self._statements.write(step))
            if size > self._limit:
                return False
            open_parts.update(step)
        return size + sum(map(_size, open_parts.ends())) <= self._limit

    def shown(self) -> int:
        """How many steps fit, together with the note on those that follow; fewer than all."""
        open_parts = OpenParts(self._statements.names)
        size = self._size_of_head()
        fitting = 0
        for count, step in enumerate(self.steps[:-1], 1):
            size += _size(self._statements.write(step))
            if size > self._limit:
                break
            open_parts.update(step)
            begins = isinstance(step, Create | Destroy | Begin) or (isinstance(step, Message) and step.activate)
            if begins or not open_parts.columns:
                continue
            closed = size + sum(map(_size, open_parts.ends()))
            if closed <= self._limit and closed + _size(self._cut_note(count, open_parts)) <= self._limit:
                fitting = count
        return fitting

    def text(self, shown: int) -> str:
        """The text with so many of the steps."""
        if shown == 0:
            note = f"Note over p1: {note_of_lines(wrap(left_out.more_steps(len(self.steps), 0)))}"
            return _join(self._head, [*_EMPTY, note])
        open_parts = OpenParts(self._statements.names)
        for step in self.steps[:shown]:
            open_parts.update(step)
        statements = self._statements.write_all(self.steps[:shown])
        if self.preface:
            after = next(place for place, it in enumerate([*statements, ""]) if not it.startswith("participant "))
            statements.insert(after, self.preface)
        cut = [] if shown == len(self.steps) else [self._cut_note(shown, open_parts)]
        return _join(self._head, [*statements, *open_parts.fragments, *cut, *open_parts.activations])

    def _size_of_head(self) -> int:
        return len(self._head) + (_size(self.preface) if self.preface else 0)

    def _cut_note(self, shown: int, open_parts: OpenParts) -> str:
        missing = self.drawn[-1] - self.drawn[shown] if self._remedy else 0
        # Only a note over one column grows with its text, and the remedy's lines are not broken.
        over = next(iter(open_parts.columns)) if self._remedy else open_parts.note_range
        return _left_out_note(over, left_out.more_steps(len(self.steps) - shown, missing), self._remedy)


def _left_out_note(over: str, text: str, remedy: Sequence[str]) -> str:
    return f"Note over {over}: {note_of_lines([*wrap(text), *remedy])}"


def _size(statement: str) -> int:
    return len(_INDENT) + len(statement) + 1


def _join(head: str, statements: list[str]) -> str:
    return head + "".join(f"{_INDENT}{statement}\n" for statement in statements)
