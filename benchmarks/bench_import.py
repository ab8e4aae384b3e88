"""What importing costs: rewriting beside CPython's own compiling, from source and from bytecode, and `import tenure`.

The code is real: those of CPython's own tests of asyncio that have ``async with`` (of our tests, where an interpreter
brings none), and asyncio itself, which has hardly any. It is copied into a folder, and its code is asked for through
the import system in both forms turn by turn; it is not executed. A figure is the middle round's difference, in time of
the processor, which other work on the machine changes least.

Further interpreters are named by $BENCH_PYTHONS, as for ``bench_overhead``.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.machinery
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time

from benchmarks.figure import Figure
from tenure._rewriting import rewriter
from tenure._rewriting.import_hook import Finder
from tenure._rewriting.loaders import RewritingLoader
from tenure._rewriting.module_filter import ModuleFilter

ROUNDS, PROCESSES = 5, 9
MODULES_OF_A_PROGRAM = 300


def figures() -> list[Figure]:
    """The table's lines, of every interpreter."""
    interpreters = [sys.executable, *filter(None, os.environ.get("BENCH_PYTHONS", "").split(":"))]
    return [figure for python in interpreters for figure in _figures_of(python)]


def _figures_of(python: str) -> list[Figure]:
    done = subprocess.run([python, "-m", "benchmarks.bench_import"], stdout=subprocess.PIPE, check=True)
    return [Figure(*line) for line in json.loads(done.stdout)]


def figures_here() -> list[Figure]:
    """The lines of this interpreter."""
    title = "{}.{}".format(*sys.version_info)
    lines = []
    for name, sources in _code().items():
        for sync in (False, True):
            if sync and name != "many `async with`":
                continue
            first, cached, length = _differences(sources, sync=sync)
            case = f"{title}: {name}" + (", --sync" if sync else "")
            bounds = ("", "") if sync else ("at most 15", "nothing measurable")
            if not sync:
                lines.append(Figure(f"{case}: code", length, "lines", ""))
            lines.append(Figure(f"{case}: first time", first, "ms/1,000 lines", bounds[0]))
            lines.append(Figure(f"{case}: from bytecode", cached, "ms/1,000 lines", bounds[1]))
    for name, before in (("", ""), (", in a program that has asyncio", "import asyncio; ")):
        lines.append(Figure(f"{title}: import tenure{name}", _import_ms(before), "ms", "at most 40" if name else ""))
    return lines


def _code() -> dict[str, list[Path]]:
    library, ours = Path(asyncio.__file__).parent, Path(__file__).parent.parent / "tests"
    tests = sorted(library.parent.glob("test/test_asyncio/test_*.py")) or sorted(ours.glob("server/**/*.py"))
    many = [path for path in tests if rewriter.may_contain_statements(path.read_bytes(), sync=False)]
    return {"many `async with`": many, "asyncio itself": sorted(library.glob("*.py"))}


def _differences(sources: list[Path], *, sync: bool) -> tuple[float, float, int]:
    """Milliseconds for 1,000 lines, from source and from bytecode, over CPython's own; and how many lines there are."""
    with tempfile.TemporaryDirectory() as folder:
        copies = [Path(folder, f"m{number}.py") for number, _ in enumerate(sources)]
        for copy, source in zip(copies, sources, strict=True):
            copy.write_bytes(source.read_bytes())
        length = sum(copy.read_bytes().count(b"\n") for copy in copies)
        finder = Finder(ModuleFilter([Path(folder)]), sync=sync)
        plain = _Importing(folder, None)
        ours = _Importing(folder, finder)
        first = [ours.first(copies) - plain.first(copies) for _ in range(ROUNDS)]
        times = max(1, MODULES_OF_A_PROGRAM // len(copies))
        cached = [ours.cached(copies, times) - plain.cached(copies, times) for _ in range(ROUNDS)]
    return statistics.median(first) / length * 1e6, statistics.median(cached) / length * 1e6, length


class _Importing:
    """The way to a module's code, by the ordinary finder or with ours in front of it."""

    def __init__(self, folder: str, finder: Finder | None) -> None:
        self._folder, self._finder = folder, finder

    def first(self, modules: list[Path]) -> float:
        """Seconds, where there is no bytecode."""
        return self._timed(lambda: self._import(modules, write=False), clear=True)

    def cached(self, modules: list[Path], times: int) -> float:
        """Seconds, where there is; the middle of so many times."""
        self._import(modules, write=True)
        return statistics.median(self._timed(lambda: self._import(modules, write=False)) for _ in range(times))

    def _timed(self, act: Callable[[], None], *, clear: bool = False) -> float:
        if clear:
            for file in Path(self._folder).glob("__pycache__/*"):
                file.unlink()
        gc.collect()
        began = process_time()
        act()
        return process_time() - began

    def _import(self, modules: list[Path], *, write: bool) -> None:
        before, sys.dont_write_bytecode = sys.dont_write_bytecode, not write
        path, finders = sys.path[:], sys.meta_path[:]
        sys.path[:] = [self._folder]
        sys.meta_path[:] = [*filter(None, [self._finder]), importlib.machinery.PathFinder]
        try:
            for module in modules:
                spec = importlib.util.find_spec(module.stem)
                assert spec is not None
                assert isinstance(spec.loader, importlib.machinery.SourceFileLoader)
                assert isinstance(spec.loader, RewritingLoader) == (self._finder is not None)
                spec.loader.get_code(module.stem)
        finally:
            sys.dont_write_bytecode, sys.path[:], sys.meta_path[:] = before, path, finders


def _import_ms(before: str) -> float:
    """Milliseconds of `import tenure` in a fresh process that has run this; the middle of many processes."""
    source = f"import time; {before}began = time.process_time(); import tenure; print(time.process_time() - began)"
    command = [sys.executable, "-c", source]
    taken = [subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout for _ in range(PROCESSES)]
    return statistics.median(map(float, taken)) * 1e3


if __name__ == "__main__":
    print(json.dumps(figures_here()))
