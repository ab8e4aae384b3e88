"""Writes the golden diagrams anew: ``python -m tests.golden.diagram``. Look at what changed before you commit it."""

from __future__ import annotations

from pathlib import Path

from tests.golden.diagram.scenarios import SCENARIOS

from tenure_server.diagram import mermaid

for name, scenario in SCENARIOS.items():
    Path(__file__).with_name(f"{name}.mmd").write_text(mermaid(scenario()), encoding="utf-8")
