"""From the store to a diagram: what the API, the live feed and the export share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from tenure_server.background.lanes import Lane
from tenure_server.diagram import Dialect, MermaidText, draw, mermaid_text, title_of
from tenure_server.diagram.steps import Diagram, Step
from tenure_server.limits import DEFAULT_DIAGRAM
from tenure_server.model.diagram_input import DiagramInput
from tenure_server.model.lens import Lens
from tenure_server.store import Store

T = TypeVar("T")

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


async def load_mermaid(store: Store, lens: Lens, limit: int, now_ns: int, dialect: Dialect) -> str:
    """Read and draw as Mermaid text, off the event loop. If the text would be cut, equal roots are folded.

    Raises: as ``load_diagram``.
    """
    source = await store.diagram_input(lens, limit)

    def draw_text() -> str:
        drawn = compact_mermaid(lambda fold_roots: draw_diagram(source, lens, now_ns, fold_roots=fold_roots), dialect)
        return drawn.text

    return await off_the_loop(len(source.lifecycles), draw_text)


def compact_mermaid(draw_with: Callable[[bool], Diagram], dialect: Dialect, remedy: Sequence[str] = ()) -> MermaidText:
    """The text of ``draw_with(False)``, or if that would be cut and holds fewer lifecycles, of ``draw_with(True)``."""
    diagrams = map(draw_with, (False, True))
    texts = (
        mermaid_text(diagram.steps, title=diagram.title, dialect=dialect, earlier=diagram.earlier, remedy=remedy)
        for diagram in diagrams
    )
    text = next(texts)
    return text if text.is_whole else max(text, next(texts), key=lambda candidate: candidate.lifecycles)


def draw_diagram(source: DiagramInput, lens: Lens, now_ns: int, *, fold_roots: bool = False) -> Diagram:
    title = title_of(source.lifecycles, source.processes, now_ns)
    return Diagram(draw_input(source, lens, now_ns, fold_roots), source.earlier, title)


def draw_input(source: DiagramInput, lens: Lens, now_ns: int, fold_roots: bool = False) -> list[Step]:
    return draw(source.lifecycles, source.tasks, lens, now_ns, source.context, fold_roots=fold_roots)
