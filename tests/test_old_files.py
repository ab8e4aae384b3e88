"""Files of an earlier version beside this version's code work, or one line says what to do."""

import importlib.util
import marshal
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from tests.tracer.support import programs

from tenure._core import probe_backend
from tenure._rewriting import loaders
from tenure_server.cli import export
from tenure_server.errors import StoreUnusable
from tenure_server.store import LifecycleQuery
from tenure_server.store.sqlite.backend import SqliteStore

OLD = Path(__file__).parent / "golden" / "old"  # made by version 0.1
ROOT = Path(probe_backend.__file__).parent.parent.parent

APP = "from tenure._core import probe_backend\nprint(probe_backend.NAME)\n"
OLD_PROBE = """\
import sys, types
sys.modules["tenure._probe"] = old = types.ModuleType("tenure._probe")
"""
OLD_SCAN = """\
import sys, types
sys.modules["tenure_server.ingest.otlp._scan"] = old = types.ModuleType("_scan")
old.prepare = old.scan = lambda *_: 1 / 0
"""
BROKEN_SCAN = """\
import sys
class Finder:
    def find_spec(self, name, *_):
        if name.endswith("._scan"): raise ImportError("undefined symbol: PyNothing")
sys.meta_path.insert(0, Finder())
"""
REINSTALL = "(reinstall tenure: pip install --force-reinstall tenure; in a checkout: make setup)"


@pytest.mark.parametrize(("layout", "interface"), [("", 1), ("old.LAYOUT = 99", 99)])
def test_an_old_probe_is_told_of_and_the_python_probe_serves(tmp_path: Path, layout: str, interface: int) -> None:
    """One line on stderr; version 0.1 had no number."""
    programs.write(tmp_path, sitecustomize=OLD_PROBE + layout, app=APP)
    done = programs.tenure(tmp_path, "run", "-o", "x.json", "app.py", PYTHONPATH=f"{tmp_path}:{ROOT}", TENURE_PROBE="")
    problem = f"it was built from another version (interface {interface}, this version has {probe_backend.LAYOUT})"
    said = f"tenure: the native probe cannot be loaded: {problem}; the slower Python probe records {REINSTALL}\n"
    assert done == (0, "python\n", said)
    assert programs.recorded(tmp_path / "x.json")[-1].final


def test_an_old_probe_is_refused_where_the_native_one_is_asked_for(tmp_path: Path) -> None:
    """Exit code 2 and the same remedy; the program does not begin."""
    programs.write(tmp_path, sitecustomize=OLD_PROBE, app=APP)
    done = programs.tenure(
        tmp_path, "run", "-o", "x.json", "app.py", PYTHONPATH=f"{tmp_path}:{ROOT}", TENURE_PROBE="native"
    )
    assert (done.status, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("tenure: the native probe cannot be loaded: it was built from another version ")
    assert done.stderr.endswith(f"{REINSTALL}\n")


def test_the_python_probe_is_not_asked_about_an_old_extension(tmp_path: Path) -> None:
    """Who wants the Python probe gets it without a word."""
    programs.write(tmp_path, sitecustomize=OLD_PROBE, app=APP)
    done = programs.tenure(
        tmp_path, "run", "-o", "x.json", "app.py", PYTHONPATH=f"{tmp_path}:{ROOT}", TENURE_PROBE="python"
    )
    assert done == (0, "python\n", "")


@pytest.mark.parametrize(
    ("stand_in", "problem"),
    [
        (OLD_SCAN, "it was built from another version (interface 1, this version has "),
        (BROKEN_SCAN, "undefined symbol: PyNothing"),
    ],
)
def test_an_old_reader_of_spans_is_told_of_and_the_one_in_python_reads(
    tmp_path: Path, stand_in: str, problem: str
) -> None:
    """The collector logs one line, and the reader that serves is the reference."""
    (tmp_path / "sitecustomize.py").write_text(stand_in)
    code = (
        "import asyncio, logging\n"
        "from tenure_server.app import create_app\n"
        "from tenure_server.ingest.otlp import from_protobuf, scan_pure\n"
        "from tenure_server.settings import Settings\n"
        "from aiohttp import web\n"
        "logging.basicConfig(format='tenure: %(message)s', level=logging.WARNING)\n"
        "assert from_protobuf.scan is scan_pure.scan and from_protobuf.prepare is scan_pure.prepare\n"
        "async def main():\n"
        "    runner = web.AppRunner(create_app(Settings(store=None)))\n"
        "    await runner.setup(); await runner.cleanup()\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        timeout=60,
    )
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"tenure: the compiled reader of spans cannot serve: {problem}")
    assert line.endswith(
        "; the slower one in Python reads"
        " (reinstall tenure-server: pip install --force-reinstall tenure-server; in a checkout: make setup)"
    )


@pytest.mark.parametrize("command", ["serve", "export"])
def test_entry_points_of_an_old_environment_are_refused(tmp_path: Path, command: str) -> None:
    """The module that they name has moved: one line, exit code 2."""
    metadata = tmp_path / "tenure_server-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tenure-server\nVersion: 0.1.0\n")
    (metadata / "entry_points.txt").write_text(
        f"[tenure.commands]\n{command} = tenure_server.commands.{command}:main\n"
    )
    done = programs.tenure(tmp_path, command, "--help", PYTHONPATH=str(tmp_path))
    said = (
        f"tenure: `tenure {command}` belongs to another version: module tenure_server.commands does not exist"
        " (reinstall both: pip install --upgrade tenure tenure-server; in a checkout: make setup)\n"
    )
    assert done == (2, "", said)


@pytest.mark.parametrize("tag", ["0123456789ab", ""])
def test_an_old_bytecode_cache_is_compiled_over(tmp_path: Path, tag: str) -> None:
    """One of version 0.1, which had no digest at its end, is not run: under its own name or under today's."""
    programs.write(tmp_path, app="import lately\n", lately="print('new')\n")
    source = tmp_path / "lately.py"
    loader = loaders.RewritingLoader("lately", str(source))
    today = loader.cache_path(str(source))
    assert today is not None
    cache = importlib.util.cache_from_source(str(source), optimization=f"tenure{tag}") if tag else today
    head = loaders._head(source.stat().st_mtime, source.stat().st_size)
    old = head + marshal.dumps(compile("print('old')", str(source), "exec"))
    Path(cache).parent.mkdir()
    Path(cache).write_bytes(old)
    done = programs.tenure(tmp_path, "run", "-o", "x.json", "app.py", PYTHONDONTWRITEBYTECODE="")
    assert done == (0, "new\n", "")
    written = Path(today).read_bytes()
    assert written != old
    assert written.startswith(head)


def test_an_old_recording_is_exported(capsys: pytest.CaptureFixture[str]) -> None:
    """A recording of version 0.1 is the same diagram."""
    assert export.main([str(OLD / "recording_0.1.json"), "--to", "mermaid"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out == (OLD / "recording_0.1.mmd").read_text()


@pytest.mark.parametrize("version", [2, 3])
async def test_an_old_store_is_upgraded_when_it_is_opened(tmp_path: Path, version: int) -> None:
    """A file that version 0.1 wrote, of version 2, or one from before statuses, of version 3, has all its lifecycles.

    It is of version 5 from then on.
    """
    path = _store(tmp_path, (OLD / f"store_version_{version}.sql").read_text())
    store = SqliteStore(path)
    lifecycles = (await store.lifecycles(LifecycleQuery())).items
    await store.close()
    assert [lifecycle.resource.kind for lifecycle in lifecycles] == [
        "__main__.Stock",
        "asyncio.locks.Lock",
        "asyncio.locks.Lock",
        "__main__.Stock",
        "__main__.Stock",
        "asyncio.taskgroups.TaskGroup",
    ]
    assert {lifecycle.status for lifecycle in lifecycles} == {None}
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (5,)
    connection.close()
    reopened = SqliteStore(path)
    assert (await reopened.lifecycles(LifecycleQuery())).items == lifecycles
    await reopened.close()


@pytest.mark.parametrize(
    ("version", "said"),
    [
        (1, "holds a store of version 1, this program reads version 5 and upgrades from 2 (move it away, or give"),
        (9, "holds a store of version 9, this program reads version 5 (update tenure-server, or give"),
    ],
)
def test_a_store_that_cannot_be_read_is_refused(tmp_path: Path, version: int, said: str) -> None:
    """In one line with a remedy, by the store and by `tenure serve`; the file stays as it is."""
    path = _store(tmp_path, (OLD / "store_version_2.sql").read_text(), f"PRAGMA user_version = {version};")
    before = path.read_bytes()
    with pytest.raises(StoreUnusable) as refused:
        SqliteStore(path)
    line = f"the store {path} {said} another --store)"
    assert str(refused.value) == line
    done = programs.tenure(tmp_path, "serve", "--port", "0", "--store", f"sqlite:///{path}")
    assert done == (2, "", f"tenure: {line}\n")
    assert path.read_bytes() == before


def _store(directory: Path, *scripts: str) -> Path:
    path = directory / "store.sqlite"
    connection = sqlite3.connect(path)
    for script in scripts:
        connection.executescript(script)
    connection.close()
    return path
