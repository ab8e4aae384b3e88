"""The bytecode cache of rewritten modules: separate from Python's, fresh, and as safe."""

import importlib
import os
import stat
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.tracer.support import programs
from tests.tracer.support.hooked_imports import SOURCE, expressions, hooked, is_rewritten

from tenure._identify import sites
from tenure._rewriting import loaders
from tenure._rewriting.loaders import RewritingLoader

BOTH = """
async def main(manager):
    with manager.plain: pass
    async with manager.other: pass
"""


def test_rewritten_bytecode_has_a_cache_of_its_own(tmp_path: Path) -> None:
    """Python's own cache is not touched, ours is used while the source is unchanged, and damage is repaired."""
    programs.write(tmp_path, mine=SOURCE)
    cache = tmp_path / "__pycache__"

    def load() -> object:
        with hooked(tmp_path):
            return importlib.import_module("mine")

    first = load()
    (file,) = cache.iterdir()
    assert ".opt-tenure" in file.name
    assert first.__spec__.cached == str(file)
    written = file.stat().st_mtime_ns
    assert is_rewritten(load())
    assert file.stat().st_mtime_ns == written
    file.write_bytes(file.read_bytes()[:40])
    assert is_rewritten(load())
    assert file.stat().st_size > 40
    programs.write(tmp_path, mine=SOURCE + "\nchanged = 1\n")
    os.utime(tmp_path / "mine.py", (time.time() + 5,) * 2)
    assert load().changed == 1


def test_sites_survive_the_cache(tmp_path: Path) -> None:
    """A module from the cache names the same file, line, function and expression."""
    programs.write(tmp_path, mine=SOURCE)
    with hooked(tmp_path):
        fresh = importlib.import_module("mine").main.__code__
    with hooked(tmp_path):
        cached = importlib.import_module("mine").main.__code__
    site = "\x1f".join([str(tmp_path / "mine.py"), "3", "main", "manager", ""])
    assert site in fresh.co_consts
    assert fresh == cached


def test_no_bytecode_is_written_where_python_writes_none(tmp_path: Path) -> None:
    """PYTHONDONTWRITEBYTECODE holds for ours too."""
    programs.write(tmp_path, mine=SOURCE)
    with hooked(tmp_path, dont_write=True):
        assert is_rewritten(importlib.import_module("mine"))
    assert not (tmp_path / "__pycache__").exists()


def test_a_source_that_changes_within_a_second_is_compiled_again(tmp_path: Path) -> None:
    """Even if its size stays the same; Python's own cache would not see it."""
    programs.write(tmp_path, mine=SOURCE + "VALUE = 1\n")
    second = time.time_ns() // 1_000_000_000 * 1_000_000_000
    os.utime(tmp_path / "mine.py", ns=(second, second + 1_000_000))
    with hooked(tmp_path):
        assert importlib.import_module("mine").VALUE == 1
    programs.write(tmp_path, mine=SOURCE + "VALUE = 2\n")
    os.utime(tmp_path / "mine.py", ns=(second, second + 2_000_000))
    with hooked(tmp_path):
        assert importlib.import_module("mine").VALUE == 2


def test_what_is_recorded_decides_which_cache_is_read(tmp_path: Path) -> None:
    """With `with` recorded and without, in turn, from the two caches that the first imports leave."""
    programs.write(tmp_path, mine=BOTH)
    found = []
    for sync in (False, True, False, True):
        with hooked(tmp_path, sync=sync):
            found.append(expressions(importlib.import_module("mine").main.__code__))
    assert found == [["manager.other"], ["manager.plain", "manager.other"]] * 2
    assert len(list((tmp_path / "__pycache__").iterdir())) == 2


def test_another_form_of_rewritten_code_has_another_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another Tenure, the other probe, and another interpreter's bytecode never meet."""
    names = []
    for form, probe in (("3|1,1", "native"), ("3|2,1", "native"), ("3|1,1", "python")):
        monkeypatch.setattr(loaders, "_rewriter_version", lambda form=form: form)
        monkeypatch.setattr(loaders.probe_backend, "NAME", probe)
        names.append(RewritingLoader("mine", "/app/mine.py").cache_path("/app/mine.py"))
    assert len(set(names)) == 3
    assert all(sys.implementation.cache_tag in name for name in names)


def test_a_foreign_file_in_the_place_of_the_cache_is_compiled_over(tmp_path: Path) -> None:
    """Of another magic number, or with something else than code behind the right head."""
    programs.write(tmp_path, mine=SOURCE)
    with hooked(tmp_path):
        cache = Path(importlib.import_module("mine").__spec__.cached)
    right = cache.read_bytes()
    for foreign in (b"\0\0\0\0" + right[4:], right[:16] + b"N", right[:16], b"", right[:16] + b"\xff" * 9):
        cache.write_bytes(foreign)
        with hooked(tmp_path):
            assert is_rewritten(importlib.import_module("mine"))
        assert cache.read_bytes() == right


def test_the_cache_is_as_private_as_the_source(tmp_path: Path) -> None:
    """Constants of the source stand in its bytecode."""
    programs.write(tmp_path, mine=SOURCE)
    (tmp_path / "mine.py").chmod(0o600)
    with hooked(tmp_path):
        cache = importlib.import_module("mine").__spec__.cached
    assert stat.S_IMODE(Path(cache).stat().st_mode) == 0o600


def test_where_nothing_can_be_written_nothing_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A folder that cannot be made, as in a directory that is read-only."""
    programs.write(tmp_path, mine=SOURCE)
    (tmp_path / "__pycache__").write_text("a file")
    with hooked(tmp_path):
        assert is_rewritten(importlib.import_module("mine"))
    assert capfd.readouterr() == ("", "")
    assert (tmp_path / "__pycache__").read_text() == "a file"


def test_the_cache_goes_where_python_is_told_to_keep_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PYTHONPYCACHEPREFIX, which is sys.pycache_prefix, holds for ours too."""
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "kept"))
    programs.write(tmp_path / "program", mine=SOURCE)
    with hooked(tmp_path / "program"):
        cache = Path(importlib.import_module("mine").__spec__.cached)
    assert cache.is_relative_to(tmp_path / "kept")
    assert cache.exists()
    assert [path.name for path in (tmp_path / "program").iterdir()] == ["mine.py"]


@pytest.mark.parametrize(
    ("flags", "doc", "asserts"), [((), "the text", True), (("-O",), "the text", False), (("-OO",), None, False)]
)
def test_optimised_code_is_optimised_and_has_a_cache_of_its_own(
    flags: tuple[str, ...], doc: str | None, asserts: bool, tmp_path: Path
) -> None:
    """-O drops asserts and -OO docstrings, from the source and from the cache, whatever was cached before."""
    programs.write(
        tmp_path,
        app="import mine; print((mine.main.__doc__, mine.checks()))",
        mine="""
            async def main(manager):
                "the text"
                async with manager: pass
            def checks():
                try:
                    assert False
                except AssertionError:
                    return True
                return False
        """,
    )
    cached = {"PYTHONDONTWRITEBYTECODE": ""}
    for turn in ((), flags, flags):
        done = programs.tenure(tmp_path, "run", "-o", "x.json", "app.py", flags=turn, **cached)
    assert done == (0, f"{(doc, asserts)}\n", "")
    assert len(list((tmp_path / "__pycache__").iterdir())) == len({(), flags})


def test_processes_and_threads_that_import_at_once_get_whole_modules(tmp_path: Path) -> None:
    """Eight processes with four threads each, on an empty cache: every module is whole and rewritten everywhere."""
    names = [f"mine{number}" for number in range(6)]
    programs.write(
        tmp_path,
        **dict.fromkeys(names, SOURCE * 200),
        app=f"""
            import importlib, threading
            def work():
                for name in {names}: found.append(importlib.import_module(name).main.__code__)
            found = []
            threads = [threading.Thread(target=work) for _ in range(4)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
            print(len(found), all("@tenure_begin" in code.co_names for code in found))
        """,
    )

    def run(number: int) -> programs.Done:
        return programs.tenure(tmp_path, "run", "-o", f"{number}.json", "app.py", PYTHONDONTWRITEBYTECODE="")

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(run, range(8))) == [programs.Done(0, "24 True\n", "")] * 8
    assert len(list((tmp_path / "__pycache__").iterdir())) == len(names)
    for name in names:
        loader = RewritingLoader(name, str(tmp_path / f"{name}.py"))
        assert len(sites.in_code(loader.get_code(name))) == 200
