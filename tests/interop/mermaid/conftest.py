"""The real Mermaid parser, in one Node process for all tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent.parent

Parse = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="session")
def parse() -> Iterator[Parse]:
    """Parses a text with the mermaid package."""
    if not (ROOT / "tests/web/node_modules/mermaid").exists():
        pytest.fail("tests/web/node_modules has no mermaid (run `make test`, which installs it)")
    command = [sys.executable, str(ROOT / "scripts/node.py"), "node", str(Path(__file__).with_name("parse.mjs"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as node:

        def ask(text: str) -> dict[str, Any]:
            assert node.stdin is not None
            assert node.stdout is not None
            node.stdin.write(json.dumps(text) + "\n")
            node.stdin.flush()
            answer: dict[str, Any] = json.loads(node.stdout.readline())
            return answer

        yield ask
        assert node.stdin is not None
        node.stdin.close()
        node.wait(timeout=10)
