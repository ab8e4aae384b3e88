"""Lifecycles as sequence diagrams: pure functions over plain data.

    draw         lifecycles, through a lens -> steps
    difference   two pictures -> the operations that turn one into the other
    apply        steps and operations -> steps
    mermaid      steps -> Mermaid text

The way of a picture: ``forest`` (who stands inside whom) -> ``fold`` (repetition told once) -> ``events`` (the order)
-> ``draw``, with ``causes`` (whom a wait is for), ``waits`` (what they come to in a fold), ``phrases`` (what is said)
and ``canvas`` (where it is put down).
"""

from tenure_server.diagram.diff import apply, difference
from tenure_server.diagram.draw import draw
from tenure_server.diagram.mermaid import LIMIT, mermaid

__all__ = ["LIMIT", "apply", "difference", "draw", "mermaid"]
