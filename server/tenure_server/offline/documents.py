"""Records as one text: a Mermaid diagram, a picture, a JSON document, or an HTML page; and what the text leaves out."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from tenure_server.diagram import Dialect
from tenure_server.diagram.steps import Step
from tenure_server.limits import MAX_DIAGRAM
from tenure_server.model.diagram_input import OpenCounts
from tenure_server.model.lens import Lens
from tenure_server.model.records import Lifecycle
from tenure_server.offline import archive
from tenure_server.offline.progress import Progress
from tenure_server.offline.sources import Source
from tenure_server.store.load_diagram import Write, as_mermaid, as_svg, compact


class Document(NamedTuple):
    """``remedy``: commands that get the lifecycles that are left out; {source} is in place of the source."""

    text: str
    lifecycles: int = 0
    left_out: int = 0
    remedy: tuple[str, ...] = ()


class JsonDocument(msgspec.Struct, frozen=True):
    """The document of ``--to json``: the lifecycles, oldest first, as in the API, and the steps of their diagram."""

    lifecycles: list[Lifecycle]
    steps: list[Step]
    earlier: int
    title: str
    open: OpenCounts
    internal: int


def mermaid_document(source: Source, name: str, trace: str | None, dialect: Dialect) -> Document:
    """The newest lifecycles, repetitions folded, as far as Mermaid's own limit allows."""
    return _diagram_document(source, name, trace, "mermaid", partial(as_mermaid, dialect))


def svg_document(source: Source, name: str, trace: str | None) -> Document:
    """The newest lifecycles, repetitions folded, as far as a viewer shows such a picture."""
    return _diagram_document(source, name, trace, "svg", as_svg)


def _diagram_document(
    source: Source, name: str, trace: str | None, to: str, writing: Callable[[Sequence[str]], Write]
) -> Document:
    html = "tenure export {source} --to html"
    one_trace = f"tenure export {{source}} --to {to} --trace ID"
    remedy = (html, one_trace) if trace is None else (f"{html} --trace {shlex.quote(trace)}",)
    text = compact(
        lambda fold_roots: source.diagram(Lens(trace=trace), MAX_DIAGRAM, fold_roots=fold_roots),
        writing([line.replace("{source}", _in_file(name)) for line in remedy]),
    )
    return Document(text.text, text.lifecycles, text.left_out, remedy)


def json_document(source: Source, trace: str | None) -> Document:
    """All lifecycles, and the steps of the newest."""
    diagram = source.diagram(Lens(trace=trace), MAX_DIAGRAM)
    parts = diagram.steps, diagram.earlier, diagram.title, diagram.open, diagram.internal
    document = JsonDocument(source.lifecycles(trace), *parts)
    return Document(msgspec.json.encode(document).decode() + "\n")


def html_document(source: Source, name: str, trace: str | None, progress: Progress) -> Document:
    """The dashboard with the newest lifecycles in it."""
    remedy = ("tenure export {source} --to html --trace ID",) if trace is None else ()
    content = archive.gather(source, trace, "".join(remedy).replace("{source}", _in_file(name)), progress)
    shown = len(content.lifecycles)
    left_out = content.lifecycles_left_out
    return Document(archive.render(content, name), shown, left_out, remedy or ("tenure export {source} --to json",))


def _in_file(name: str) -> str:
    """The source as a text names it: a recording by its file name, because the text may be read elsewhere."""
    return shlex.quote(name if "://" in name else Path(name).name)
