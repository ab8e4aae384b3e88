"""A lock held for a moment: the program whose diagram is five messages."""

from __future__ import annotations

from tests.server.support.batches import Program

TEXTBOOK = """\
---
title: "shop #4001, 2023-11-14 22:13:20 to 22:13:22 UTC"
---
sequenceDiagram
    participant p1 as main
    participant p2 as Lock stock
    p1->>+p2: __aenter__()
    p2-->>p1: acquired after 1.00 s
    p1->>p1: body 25 µs
    p1->>p2: __aexit__()
    p2-->>-p1: released after 1.00 s
"""


def textbook() -> Program:
    program = Program()
    program.use("main", "Lock stock", acquire=0, wait=1_000, hold=0.025, release=1_000)
    return program
