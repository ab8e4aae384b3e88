"""Lifecycles as sequence diagrams: pure functions over plain data.

    draw         lifecycles, through a lens -> steps
    difference   two diagrams -> the operations that turn one into the other
    apply        steps and operations -> steps
    mermaid      steps -> Mermaid text; mermaid_text: the same, with what it leaves out
    svg_text     steps -> a picture in SVG, and what it leaves out
    title_of     what a diagram is drawn from -> its title

A diagram passes through these modules in order: ``build_forest`` (which task and lifecycle is inside which), ``fold``
(repetitions drawn once), ``order_events`` (the order of the steps), ``draw``. The last uses ``wait_causes`` (which
holder a wait was for), ``fold_waits`` (the waits of a fold together), ``phrases`` (the texts) and ``canvas`` (the steps
and columns so far).
"""

from tenure_server.diagram.diff import apply, difference
from tenure_server.diagram.draw import draw
from tenure_server.diagram.left_out import DiagramText
from tenure_server.diagram.mermaid import LIMIT, mermaid, mermaid_text
from tenure_server.diagram.mermaid_statements import Dialect
from tenure_server.diagram.svg import svg_text
from tenure_server.diagram.title import title_of

__all__ = [
    "LIMIT",
    "DiagramText",
    "Dialect",
    "apply",
    "difference",
    "draw",
    "mermaid",
    "mermaid_text",
    "svg_text",
    "title_of",
]
