"""The golden diagrams: whole diagrams as files that a person can open."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.golden.diagram.scenarios import SCENARIOS

from tenure_server.diagram import mermaid

GOLDEN = Path(__file__).parents[2] / "golden" / "diagram"
DURATION = re.compile(r"(<1|[\d.]+) (µs|ms|s)\b")

ORDER = """\
sequenceDiagram
    participant p1 as main
    participant p2 as TaskGroup
    p1->>+p2: __aenter__()
    p2-->>p1: acquired
    create participant p3 as reserve-1
    p1-)p3: create_task
    create participant p4 as reserve-2
    p1-)p4: create_task
    participant p5@{ "type": "database" } as pool orders (2)
    participant p6@{ "type": "control" } as Lock stock
    p3->>+p5: acquire()
    p5-->>p3: acquired after 1.2 ms
    p4->>+p5: acquire()
    p5-->>p4: acquired after 1.3 ms
    p3->>+p6: __aenter__()
    p6-->>p3: acquired
    p4->>p6: __aenter__()
    Note over p4,p6: waits for reserve-1<br/>(stock.py:41) 120 ms
    p3->>p3: body 118 ms
    p3->>p6: __aexit__()
    p6-->>-p3: released
    p6-->>p4: acquired after 120 ms
    activate p6
    p3->>p5: __aexit__()
    p5-->>-p3: released after 0.3 ms
    destroy p3
    p3--)p2: done after 121 ms
    p4->>p6: __aexit__(ValueError)
    p6--xp4: released, ValueError goes on
    deactivate p6
    p4->>p5: __aexit__(ValueError)
    p5--xp4: released after 0.4 ms, ValueError goes on
    deactivate p5
    destroy p4
    p4--xp2: ValueError: out of stock
    participant p7 as timeout 0.5 s
    loop 120 times (wait p50 0.1 ms, hold p50 3 ms, p95 9 ms)
    p1->>+p7: __aenter__()
    p7-->>p1: acquired
    p1->>p7: __aexit__()
    p7-->>-p1: released
    end
    p1->>p2: __aexit__()
    p2--xp1: ExceptionGroup (1) after 121 ms
    deactivate p2
"""


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_gives_its_golden_diagram(name: str) -> None:
    """The text is the file's, to the letter (python -m tests.golden.diagram writes the files anew)."""
    assert mermaid(SCENARIOS[name]()) == (GOLDEN / f"{name}.mmd").read_text(encoding="utf-8")


def test_every_golden_file_has_its_scenario() -> None:
    """No file stays behind when its scenario goes."""
    assert {path.stem for path in GOLDEN.glob("*.mmd")} == set(SCENARIOS)


def test_the_textbook_program_is_five_messages_between_two_participants() -> None:
    """Design section 7: the simplest program gives the simplest diagram."""
    assert mermaid(SCENARIOS["textbook"]()) == (
        "sequenceDiagram\n"
        "    participant p1 as main\n"
        "    participant p2 as AsyncDatabaseConnection\n"
        "    p1->>+p2: __aenter__()\n"
        "    p2-->>p1: acquired after 1.00 s\n"
        "    p1->>p1: body 25 µs\n"
        "    p1->>p2: __aexit__()\n"
        "    p2-->>-p1: released after 1.00 s\n"
    )


def test_an_order_looks_as_designed() -> None:
    """The picture of an order is the design's, up to durations and to how a colon and a line break are written."""
    assert _untimed(mermaid(SCENARIOS["order"](), dialect="12").replace("#58;", ":")) == _untimed(ORDER)


def _untimed(text: str) -> str:
    return DURATION.sub("?", text)
