"""The dashboard's types are those of the server's structs."""

from __future__ import annotations

import importlib.util
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent.parent


def test_the_committed_types_are_what_the_structs_say() -> None:
    """Generating web/src/schema again from the server's structs gives the committed files, byte for byte."""
    spec = importlib.util.spec_from_file_location("generate_types", REPOSITORY / "scripts" / "generate_types.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)

    committed = {name: (script.SCHEMA / name).read_text(encoding="utf-8") for name in script.generate()}

    assert committed == script.generate(), "run: python scripts/generate_types.py"
