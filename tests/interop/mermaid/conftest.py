"""The real Mermaid parsers, in one Node process for all tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent.parent

VERSIONS = ("10.9", "11.4", "11.12", "12.3")

Parse = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def parse() -> Iterator[Parse]:
    """Parses a text with the parsers of some versions, of all if none is named; they have to answer the same."""
    if not (ROOT / "tests/web/node_modules/mermaid-10").exists():
        pytest.fail("tests/web/node_modules has no mermaid (run `make test`, which installs it)")
    command = [sys.executable, str(ROOT / "scripts/node.py"), "node", str(Path(__file__).with_name("parse.mjs"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as node:

        def ask(text: str, *versions: str) -> dict[str, Any]:
            assert node.stdin is not None
            assert node.stdout is not None
            node.stdin.write(json.dumps([text, versions or VERSIONS]) + "\n")
            node.stdin.flush()
            answers: dict[str, dict[str, Any]] = json.loads(node.stdout.readline())
            answer = answers[(versions or VERSIONS)[-1]]
            assert answers == dict.fromkeys(versions or VERSIONS, answer)
            return answer

        yield ask
        assert node.stdin is not None
        node.stdin.close()
        node.wait(timeout=10)
