"""From the store to a diagram: what the API, the live feed and the export share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from tenure_server.background.lanes import Lane
from tenure_server.diagram import DiagramText, Dialect, draw, mermaid_text, phrases, svg_text, title_of
from tenure_server.diagram.steps import Create, Declare, Destroy, Diagram, Note, Step
from tenure_server.limits import DEFAULT_DIAGRAM
from tenure_server.model.diagram_input import DiagramInput
from tenure_server.model.lens import Lens
from tenure_server.store import Store

T = TypeVar("T")
Write = Callable[[Diagram], DiagramText]

_USUAL, _LARGE = Lane("draw", 1), Lane("draw-large", 1)  # one thread each: they share one interpreter


async def load_diagram(store: Store, lens: Lens, limit: int, now_ns: int, *, fold_roots: bool = False) -> Diagram:
    """Read and draw, off the event loop. ``fold_roots``: see ``draw``.

    Raises:
        NotFound: the lens's subject is not in the store.
        StoreError: the store cannot be read, or the read took too long.
    """
    source = await store.diagram_input(lens, limit)
    return await off_the_loop(len(source.lifecycles), lambda: draw_diagram(source, lens, now_ns, fold_roots=fold_roots))


async def off_the_loop(size: int, work: Callable[[], T]) -> T:
    """Call ``work``, which handles a diagram of ``size`` lifecycles, in a thread. Large diagrams do not delay others.

    Raises:
        ReadsBusy, ReadTooLong: see ``Lane.run``.
    """
    lane = _USUAL if size <= DEFAULT_DIAGRAM else _LARGE
    return await lane.run(lambda _: work())


async def load_text(store: Store, lens: Lens, limit: int, now_ns: int, write: Write) -> str:
    """Read, draw and write, off the event loop. If the text would be cut, equal roots are folded.

    Raises: as ``load_diagram``.
    """
    source = await store.diagram_input(lens, limit)

    def draw_text() -> str:
        return compact(lambda fold_roots: draw_diagram(source, lens, now_ns, fold_roots=fold_roots), write).text

    return await off_the_loop(len(source.lifecycles), draw_text)


def as_mermaid(dialect: Dialect, remedy: Sequence[str] = ()) -> Write:
    """What writes a diagram as Mermaid text, with the lines that say how to get what it leaves out."""

    def write(diagram: Diagram) -> DiagramText:
        return mermaid_text(diagram.steps, title=diagram.title, dialect=dialect, earlier=diagram.earlier, remedy=remedy)

    return write


def as_svg(remedy: Sequence[str] = ()) -> Write:
    """What draws a diagram in SVG, with the lines that say how to get what it leaves out."""

    def write(diagram: Diagram) -> DiagramText:
        return svg_text(diagram.steps, title=diagram.title, earlier=diagram.earlier, remedy=remedy)

    return write


def compact(draw_with: Callable[[bool], Diagram], write: Write) -> DiagramText:
    """The text of ``draw_with(False)``, or if that would be cut and holds fewer lifecycles, of ``draw_with(True)``."""
    texts = (write(diagram) for diagram in map(draw_with, (False, True)))
    text = next(texts)
    return text if text.is_whole else max(text, next(texts), key=lambda candidate: candidate.lifecycles)


def draw_diagram(source: DiagramInput, lens: Lens, now_ns: int, *, fold_roots: bool = False) -> Diagram:
    title = title_of(source.lifecycles, source.processes, now_ns)
    steps = draw_input(source, lens, now_ns, fold_roots=fold_roots)
    return Diagram(steps, source.earlier, title, source.open, source.internal)


def draw_input(source: DiagramInput, lens: Lens, now_ns: int, *, fold_roots: bool = False) -> list[Step]:
    """The steps; where not all that is open fits into the diagram, a last one says how much of it is drawn."""
    lifecycles, context, processes = source.lifecycles, source.context, source.processes
    steps = draw(lifecycles, source.tasks, lens, now_ns, context, fold_roots=fold_roots, processes=processes)
    if source.open.drawn < source.open.held + source.open.waiting and (over := _whole_width(steps)):
        steps.append(Note("open", over, phrases.open_share(source.open), now_ns, kind="cut"))
    return steps


def _whole_width(steps: Sequence[Step]) -> list[str]:
    """The first and the last column that have not ended."""
    destroyed = {step.participant for step in steps if isinstance(step, Destroy)}
    columns = [step.participant.id for step in steps if isinstance(step, Declare | Create)]
    standing = [column for column in columns if column not in destroyed]
    return standing if len(standing) < 2 else [standing[0], standing[-1]]
