"""Writes the golden diagrams: ``python -m tests.golden.diagram``. Look at what changed before you commit it."""

from __future__ import annotations

from pathlib import Path

from tests.golden.diagram.scenarios import SCENARIOS

from tenure_server.diagram import mermaid, svg_text

PICTURES = ("order", "still_open", "crowded_pool", "cancelled_by_a_task", "nothing")  # those that are drawn, too
TITLE = "shop #28277, 2026-11-30 14:02:05 to 14:02:37 UTC"

if __name__ == "__main__":
    for name, scenario in SCENARIOS.items():
        file = Path(__file__).with_name(f"{name}.mmd")
        file.write_text(mermaid(scenario()), encoding="utf-8")
        if name in PICTURES:
            file.with_suffix(".svg").write_text(svg_text(scenario(), title=TITLE).text, encoding="utf-8")
