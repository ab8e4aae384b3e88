"""The benchmarks there are, by name."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

from benchmarks.figure import Figure

_PREFIX = "bench_"


def names() -> list[str]:
    """The NAMEs of the files ``bench_NAME.py``, sorted."""
    return sorted(path.stem.removeprefix(_PREFIX) for path in Path(__file__).parent.glob(f"{_PREFIX}*.py"))


def summary(name: str) -> str:
    """The first line of the benchmark's docstring. Its module is not imported: some load gRPC or a browser."""
    source = (Path(__file__).parent / f"{_PREFIX}{name}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").split("\n")[0]


def figures_of(name: str) -> list[Figure]:
    """Run it; this takes from some seconds to some minutes."""
    figures: list[Figure] = importlib.import_module(f"benchmarks.{_PREFIX}{name}").figures()
    return figures
