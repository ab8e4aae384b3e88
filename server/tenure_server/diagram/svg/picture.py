"""The whole picture: title, heads, steps, the tags of what is open, and what is left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tenure_server.diagram import left_out
from tenure_server.diagram.left_out import DiagramText
from tenure_server.diagram.steps import Begin, Create, Declare, Destroy, End, Note, Step
from tenure_server.diagram.svg import sizes
from tenure_server.diagram.svg.colours import STYLE
from tenure_server.diagram.svg.elements import element, escape, group, number, text, title
from tenure_server.diagram.svg.layout import Layout
from tenure_server.diagram.svg.marks import head, marks
from tenure_server.diagram.svg.shapes import Column, OpenTag
from tenure_server.diagram.svg.text_width import truncate_middle, width_of

MAX_STEPS = 6_000  # viewers become slow beyond
TALL = 800  # CSS pixels; a taller picture has its heads below, too
EMPTY_SIZE = 420, 80


def svg_text(
    steps: Sequence[Step], *, title: str = "", earlier: int = 0, remedy: Sequence[str] = (), limit: int = MAX_STEPS
) -> DiagramText:
    """The picture, as a whole document, of at most ``limit`` steps.

    A note at the top says how many lifecycles ``earlier`` than the steps are left out, one at the end how many steps
    follow. The last of these notes has the lines of ``remedy``: how to get what is left out.
    """
    drawn = left_out.drawn_lifecycles(steps)
    if not steps:
        return DiagramText(_empty(title), 0, earlier, is_whole=True)
    is_whole = len(steps) <= limit
    shown = len(steps) if is_whole else _whole_steps(steps, limit)
    missing = drawn[-1] - drawn[shown]
    part = list(steps[:shown])
    columns = _columns_of(part)
    if earlier:
        first = next(place for place, step in enumerate(part) if not isinstance(step, Declare))
        lines = [left_out.earlier_lifecycles(earlier), *(remedy if is_whole else ())]
        part.insert(first, _note("earlier", columns[:1], lines))
    if not is_whole:
        part += _ends_of_fragments(part)
        lines = [left_out.more_steps(len(steps) - shown, missing), *remedy]
        part.append(_note("more", columns[:1], lines))
    return DiagramText(_document(Layout(part), title), drawn[shown], earlier + missing, is_whole)


def _document(layout: Layout, title_text: str) -> str:
    content = "\n".join(marks(layout))  # the marks make the picture as wide as they need
    top = (sizes.TITLE_BAND if title_text else 0) + sizes.HEAD_BAND
    tags, tags_height = _tags(layout, top + layout.height)
    steps_end = top + layout.height + tags_height
    is_tall = steps_end > TALL
    height = steps_end + (sizes.HEAD_BAND if is_tall else sizes.MARGIN)
    width = max(layout.spacing.width, width_of(title_text, sizes.TITLE, bold=True) + 2 * sizes.MARGIN)
    heads = [
        head(column, layout.spacing.x(column.slot), top - sizes.HEAD_BAND / 2)
        for column in layout.columns
        if not column.is_created
    ]
    if is_tall:
        standing = [column for column in layout.columns if column.bottom is None]
        heads += [head(column, layout.spacing.x(column.slot), height - sizes.HEAD_BAND / 2) for column in standing]
    steps = element("g", {"transform": f"translate(0,{top})"}, "\n", content, "\n")
    return _svg(width, height, title_text, _summary(layout), [steps, *heads, *tags])


def _svg(width: float, height: float, title_text: str, summary: str, content: list[str]) -> str:
    heading = [text(title_text, sizes.MARGIN, sizes.TITLE_BASELINE, "title")] if title_text else []
    attributes: dict[str, str | float] = {
        "xmlns": "http://www.w3.org/2000/svg",
        "width": number(width),
        "height": number(height),
        "viewBox": f"0 0 {number(width)} {number(height)}",
        "role": "img",
    }
    ground = element("rect", {"class": "ground", "width": width, "height": height})
    name = title_text or "Sequence diagram"
    parts = [title(name), element("desc", {}, escape(summary))]
    parts += [element("style", {}, STYLE), ground, *heading, *content]
    return element("svg", attributes, "\n", "\n".join(parts), "\n") + "\n"


def _empty(title_text: str) -> str:
    width, height = EMPTY_SIZE
    words = "nothing was held"
    return _svg(width, height, title_text, words, [text(words, width / 2, height / 2 + 10, "", "middle")])


def _summary(layout: Layout) -> str:
    """What a reader who does not see the picture hears of it."""
    tasks = sum(column.participant.role == "task" for column in layout.columns)
    waits = sum(note.step.kind == "wait" for note in layout.notes)
    resources = len(layout.columns) - tasks
    return f"Tasks: {tasks}. Resources: {resources}. Waits: {waits}. Open at the end: {len(layout.tags)}."


def _tags(layout: Layout, top: float) -> tuple[list[str], float]:
    """What is open at the end, below its column, in as few rows as possible; and the height of the rows."""
    by_column: defaultdict[Column, list[OpenTag]] = defaultdict(list)
    for tag in layout.tags:
        by_column[tag.column].append(tag)
    rows: list[list[tuple[float, float]]] = []
    drawn: list[str] = []
    for column, tags in by_column.items():
        shown = tags if len(tags) <= sizes.MAX_TAGS else tags[: sizes.MAX_TAGS - 1]
        more = [(f"+{len(tags) - len(shown)} more", "")] if len(shown) < len(tags) else []
        for label, classes in [*((tag.step.text, _tag_classes(tag)) for tag in shown), *more]:
            brief = truncate_middle(label, sizes.TAG_TEXT_MAX, sizes.TAG, bold=True)
            width = width_of(brief, sizes.TAG, bold=True) + sizes.TAG_PADDING
            most = layout.spacing.width - sizes.EDGE - width
            left = max(sizes.EDGE, min(most, layout.spacing.x(column.slot) - width / 2))
            y = top + sizes.TAG_GAP + _free_row(rows, left, left + width + sizes.TAG_GAP) * sizes.TAG_ROW
            box = {"x": left, "y": y, "width": width, "height": sizes.TAG_HEIGHT, "rx": sizes.NOTE_RADIUS}
            words = text(brief, left + width / 2, y + sizes.TAG_BASELINE, "", "middle")
            drawn.append(group(f"tag {classes}".rstrip(), title(label), element("rect", box), words))
    return drawn, len(rows) * sizes.TAG_ROW + (sizes.TAG_GAP if rows else 0)


def _tag_classes(tag: OpenTag) -> str:
    if (tag.step.lead or tag.step.text).startswith("still waiting"):
        return "waiting"
    return f"hue-{tag.column.hue}" if tag.column.hue >= 0 else ""


def _free_row(rows: list[list[tuple[float, float]]], left: float, right: float) -> int:
    """Put a box into the first row where it overlaps no other, and return the row's number."""
    for place, row in enumerate(rows):
        if all(other_right <= left or other_left >= right for other_left, other_right in row):
            row.append((left, right))
            return place
    rows.append([(left, right)])
    return len(rows) - 1


def _whole_steps(steps: Sequence[Step], limit: int) -> int:
    """How many of the first ``limit`` steps to draw: none that needs the one after it is the last."""
    shown = limit
    while shown > 1 and isinstance(steps[shown - 1], Create | Destroy | Begin):
        shown -= 1
    return shown


def _columns_of(steps: Sequence[Step]) -> list[str]:
    return [step.participant.id for step in steps if isinstance(step, Declare | Create)]


def _ends_of_fragments(steps: Sequence[Step]) -> list[Step]:
    begun: list[Begin] = []
    for step in steps:
        if isinstance(step, Begin):
            begun.append(step)
        elif isinstance(step, End):
            begun.pop()
    return [End(f"{step.id}:cut", step.fragment) for step in reversed(begun)]


def _note(identifier: str, over: list[str], lines: Sequence[str]) -> Note:
    return Note(
        identifier, over, ": ".join([lines[0], " or ".join(lines[1:])]) if lines[1:] else lines[0], 0, kind="cut"
    )
