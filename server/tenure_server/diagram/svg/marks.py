"""What is drawn of a layout, from the back to the front."""

from __future__ import annotations

from collections.abc import Iterator

from tenure_server.diagram.svg import sizes
from tenure_server.diagram.svg.arrows import arrow_end, lifeline_end
from tenure_server.diagram.svg.elements import element, group, number, path, text, title
from tenure_server.diagram.svg.heads import GLYPHS, width_of_line
from tenure_server.diagram.svg.layout import Layout
from tenure_server.diagram.svg.shapes import Activation, ArrowEnd, Column, Fragment, MessageRow, NoteRow
from tenure_server.diagram.svg.text_width import truncate, truncate_middle, width_of


def marks(layout: Layout) -> Iterator[str]:
    """All but heads that stand above the steps, and tags. The heights are those of the layout."""
    extents = [(fragment, *_extent(fragment, layout)) for fragment in layout.fragments if fragment.right >= 0]
    for fragment, x, width in extents:
        bottom = layout.height if fragment.bottom is None else fragment.bottom
        box = {"x": x, "y": fragment.top, "width": width, "height": bottom - fragment.top}
        yield element("rect", {"class": "fragment", **box, "rx": sizes.FRAGMENT_RADIUS})
    for column in layout.columns:
        yield _lifeline(column, layout)
    for activation in layout.activations:
        yield _bar(activation, layout)
    for column in layout.columns:
        if column.is_created:
            yield head(column, layout.spacing.x(column.slot), column.top)
    for message in layout.messages:
        yield _self_message(message, layout) if _is_self(message) else _arrow(message, layout)
    for note in layout.notes:
        yield _note(note, layout)
    for fragment, x, _ in extents:
        yield _fragment_label(fragment, x)


def head(column: Column, x: float, middle: float) -> str:
    """A participant's box around a point."""
    participant, lines, width = column.participant, column.head.lines, column.head.width
    classes = f"head hue-{column.hue}" if column.hue >= 0 else "head"
    box = {"x": x - width / 2, "y": middle - sizes.HEAD_HEIGHT / 2, "width": width, "height": sizes.HEAD_HEIGHT}
    content = [element("rect", {**box, "rx": sizes.HEAD_RADIUS})]
    content.append(title(f"{participant.label}, ended" if participant.ended else participant.label))
    glyph = GLYPHS.get(participant.stereotype)
    for place, line in enumerate(lines):
        y = middle + sizes.BASELINE + (place - (len(lines) - 1) / 2) * sizes.HEAD_LINE
        shift = sizes.HEAD_ICON / 2 if place == 0 and glyph is not None else 0.0
        content.append(text(line.text, x + shift, y, "kind" if line.is_kind else "", "middle"))
        if shift and glyph is not None:
            left = number(x - width_of_line(line) / 2 - sizes.HEAD_ICON / 2)
            place_of_glyph = f"translate({left},{number(y - sizes.HEAD_ICON_TOP)}) scale({sizes.HEAD_ICON_SCALE})"
            content.append(element("path", {"class": "glyph", "d": glyph, "transform": place_of_glyph}))
    return group(f"{classes} ended" if participant.ended else classes, *content)


def _lifeline(column: Column, layout: Layout) -> str:
    x = layout.spacing.x(column.slot)
    top = column.top + sizes.HEAD_HEIGHT / 2 if column.is_created else -sizes.HEAD_BAND / 2
    bottom = layout.height if column.bottom is None else column.bottom
    classes = f"lifeline {column.participant.role}"
    return element("line", {"class": classes, "x1": x, "x2": x, "y1": top, "y2": max(bottom, top)})


def _bar(activation: Activation, layout: Layout) -> str:
    is_open = activation.bottom is None
    bottom = layout.height if activation.bottom is None else activation.bottom
    x = layout.spacing.x(activation.column.slot) + activation.level * sizes.LEVEL - sizes.ACTIVATION / 2
    height = max(bottom - activation.top, sizes.ACTIVATION_MIN)
    box = {"x": x, "y": activation.top, "width": sizes.ACTIVATION, "height": height, "rx": sizes.ACTIVATION_RADIUS}
    classes = f"activation{' open' if is_open else ''} hue-{max(activation.column.hue, 0)}"
    return element("rect", {"class": classes, **box})


def _arrow(row: MessageRow, layout: Layout) -> str:
    step, line, spacing = row.step, row.line, layout.spacing
    source, target = row.source.column, row.target.column
    direction = 1 if target.slot > source.slot else -1
    start = _edge(row.source, spacing.x(source.slot), direction)
    head_width = target.head.width / 2 if row.creates else 0.0
    end = _edge(row.target, spacing.x(target.slot), -direction) - direction * head_width
    label = truncate_middle(step.label, sizes.LABEL_MAX, sizes.LABEL)
    half = width_of(label, sizes.LABEL) / 2 + sizes.EDGE
    center = max(half, min(spacing.width - half, (start + end) / 2))
    content = [
        title(step.label),
        path(_line_class(step.arrow), f"M{number(start)},{number(line)}H{number(end)}"),
        arrow_end(step, end, line, direction),
        text(label, center, line - sizes.LABEL_RISE, "label", "middle"),
    ]
    if row.destroys:
        content.append(lifeline_end(spacing.x(source.slot), line, step.outcome))
    return group(f"message {step.outcome or ''}".rstrip(), *content)


def _self_message(row: MessageRow, layout: Layout) -> str:
    step, line, r = row.step, row.line, sizes.SELF_RADIUS
    lifeline = layout.spacing.x(row.source.column.slot)
    x, top = _edge(row.source, lifeline, 1), line - sizes.SELF_RISE
    loop = f"M{number(x)},{number(top)}h{sizes.SELF - 2 * r}a{r},{r} 0 0 1 0,{2 * r}H{number(x)}"
    label = truncate_middle(step.label, sizes.LABEL_MAX, sizes.LABEL)
    content = [
        title(step.label),
        path(_line_class(step.arrow), loop),
        arrow_end(step, x, top + 2 * r, -1),
        text(label, x + sizes.SELF + sizes.SELF_LABEL_GAP, top + sizes.SELF_LABEL_DROP, "label"),
    ]
    if row.destroys:
        content.append(lifeline_end(lifeline, line, step.outcome))
    return group(f"message {step.outcome or ''}".rstrip(), *content)


def _note(row: NoteRow, layout: Layout) -> str:
    step, width = row.step, row.width
    left, right = layout.spacing.x(row.first.slot), layout.spacing.x(row.last.slot)
    x = max(sizes.EDGE, min(layout.spacing.width - sizes.EDGE - width, _note_center(row, left, right) - width / 2))
    y = row.top + (sizes.NOTE_ROW - sizes.NOTE_HEIGHT) / 2
    height = sizes.NOTE_HEIGHT + (len(row.lines) - 1) * sizes.LINE
    middle = y + height / 2
    content = []
    if right > left:
        content.append(path("reach", f"M{number(left)},{number(middle)}H{number(right)}"))
    content += [
        element("circle", {"class": "anchor", "cx": end, "cy": middle, "r": sizes.ANCHOR})
        for end in (left, right)
        if not x - sizes.ANCHOR_CLEARANCE < end < x + width + sizes.ANCHOR_CLEARANCE
    ]
    box = {"x": x, "y": y, "width": width, "height": height, "rx": sizes.NOTE_RADIUS}
    content.append(element("rect", {"class": "box", **box}))
    for place, line in enumerate(row.lines):
        content.append(text(line, x + width / 2, y + sizes.NOTE_BASELINE + place * sizes.LINE, "", "middle"))
    return group(f"note {step.kind} {step.outcome or ''}".rstrip(), title(step.text), *content)


def _note_center(row: NoteRow, left: float, right: float) -> float:
    """Beside the anchor's lifeline where there is room, else between the lifelines."""
    least, most = left + row.width / 2 + sizes.NOTE_GAP, right - row.width / 2 - sizes.NOTE_GAP
    if least > most:
        return (left + right) / 2
    return least if row.anchor is row.first else most


def _extent(fragment: Fragment, layout: Layout) -> tuple[float, float]:
    """The x and the width of a frame: it stands around its content and is wide enough for its label."""
    padding = sizes.FRAGMENT_PADDING + fragment.inset * sizes.FRAGMENT_INSET
    x = max(sizes.FRAGMENT_EDGE, layout.spacing.x(fragment.left) - padding)
    label, tab = _fragment_texts(fragment)
    least = tab + width_of(label, sizes.LABEL) + sizes.FRAGMENT_END
    layout.spacing.fit_width(x + least + sizes.EDGE)
    return x, max(layout.spacing.x(fragment.right) + padding - x, least)


def _fragment_label(fragment: Fragment, x: float) -> str:
    label, tab = _fragment_texts(fragment)
    top, corner = fragment.top, sizes.TAB_CORNER
    outline = f"M{number(x)},{number(top)}h{number(tab)}v{sizes.TAB_HEIGHT - corner}l{-corner},{corner}"
    return group(
        "fragment-label",
        title(f"{fragment.step.fragment} {fragment.step.label}"),
        path("tab", f"{outline}h{number(corner - tab)}z"),
        text(fragment.step.fragment, x + sizes.TAB_TEXT_LEFT, top + sizes.TAB_BASELINE, "kind"),
        text(label, x + tab + sizes.FRAGMENT_LABEL_GAP, top + sizes.FRAGMENT_LABEL_BASELINE, "label"),
    )


def _fragment_texts(fragment: Fragment) -> tuple[str, float]:
    """The label as it is shown, and the width of the tab before it."""
    label = truncate(fragment.step.label, sizes.FRAGMENT_LABEL_MAX, sizes.LABEL)
    return label, width_of(fragment.step.fragment, sizes.HEAD, bold=True) + sizes.TAB_PADDING


def _is_self(row: MessageRow) -> bool:
    return row.source.column is row.target.column


def _edge(end: ArrowEnd, x: float, side: int) -> float:
    """Where an arrow leaves or reaches a lifeline on its right side (1) or its left side (-1)."""
    if end.highest < 0:
        return x
    level = end.level if end.level is not None else (end.highest if side > 0 else 0)
    return x + level * sizes.LEVEL + side * sizes.ACTIVATION / 2


def _line_class(arrow: str) -> str:
    return "arrow dashed" if arrow.startswith("--") else "arrow"
