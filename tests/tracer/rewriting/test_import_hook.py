"""Which modules are rewritten; importing works as without the hook."""

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path

import pytest
from tests.tracer.support import programs
from tests.tracer.support.hooked_imports import SOURCE, hooked, is_rewritten

from tenure._rewriting import loaders
from tenure._rewriting.module_filter import ModuleFilter


@pytest.mark.parametrize(
    ("name", "file", "wanted"),
    [
        ("app", "/home/me/app/app.py", True),
        ("app.inner.deep", "/home/me/app/app/inner/deep.py", True),
        ("other", "/home/me/other/other.py", False),
        ("lib", "/home/me/app/.venv/lib/python3.11/site-packages/lib.py", False),
        ("lib", "/home/me/app/dist-packages/lib.py", False),
        ("asyncio", asyncio_file := importlib.util.find_spec("asyncio").origin, False),
        ("pkg", "/opt/site-packages/pkg/__init__.py", True),
        ("pkg.mod", "/opt/site-packages/pkg/mod.py", True),
        ("pkgs", "/opt/site-packages/pkgs.py", False),
        ("app.out", "/home/me/app/app/out.py", False),
        ("pkg.out.deep", "/opt/site-packages/pkg/out/deep.py", False),
        ("tenure._probe_api", "/home/me/app/tenure/probe.py", False),
    ],
)
def test_the_programs_own_modules_are_selected(name: str, file: str, wanted: bool) -> None:
    """Below the roots and not installed, or included by name; what is excluded and Tenure itself never."""
    module_filter = ModuleFilter([Path("/home/me/app")], include=["pkg"], exclude=["app.out", "pkg.out"])
    assert module_filter.includes(name, file) is wanted


def test_a_root_that_holds_the_standard_library_does_not_select_it() -> None:
    """A program run from / or from home, below which Python is installed, has no more modules for it."""
    assert not ModuleFilter([Path("/")]).includes("asyncio", importlib.util.find_spec("asyncio").origin)


def test_selected_modules_are_rewritten_and_others_are_not(tmp_path: Path) -> None:
    """Only the loader of selected source files is changed."""
    programs.write(tmp_path, mine=SOURCE, out=SOURCE, plain="x = 1")
    with hooked(tmp_path, exclude=["out"]):
        mine, out, plain = map(importlib.import_module, ("mine", "out", "plain"))
        assert (is_rewritten(mine), is_rewritten(out), plain.x) == (True, False, 1)
        assert isinstance(mine.__loader__, importlib.machinery.SourceFileLoader)
        assert type(out.__loader__) is importlib.machinery.SourceFileLoader
        assert mine.__loader__.get_source("mine") == (tmp_path / "mine.py").read_text()


def test_errors_of_imports_are_the_ordinary_ones(tmp_path: Path) -> None:
    """A missing module and a syntax error say what they say without us."""
    programs.write(tmp_path, broken="async def f():\n    async with x\n        pass\n")
    with hooked(tmp_path):
        with pytest.raises(ModuleNotFoundError, match="No module named 'nothing_there'"):
            importlib.import_module("nothing_there")
        with pytest.raises(SyntaxError) as error:
            importlib.import_module("broken")
    assert (error.value.filename, error.value.lineno) == (str(tmp_path / "broken.py"), 2)


def test_a_fault_of_the_rewriting_leaves_the_module_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The module is imported unrecorded, and the log says so once."""

    def fail(*arguments: object, **options: object) -> None:
        raise RuntimeError("unexpected")

    monkeypatch.setattr(loaders.rewriter, "rewrite", fail)
    programs.write(tmp_path, mine=SOURCE)
    with hooked(tmp_path):
        assert not is_rewritten(importlib.import_module("mine"))
    (record,) = caplog.records
    assert record.getMessage() == (
        f"tenure: rewriting {tmp_path / 'mine.py'} failed and is left out from now on: unexpected"
    )


def test_source_and_tracebacks_of_rewritten_modules_can_be_shown(tmp_path: Path) -> None:
    """Package resources, reloading and inspection work as ever."""
    programs.write(tmp_path, **{"pack/__init__": "from pack.mod import main", "pack/mod": SOURCE})
    with hooked(tmp_path):
        module = importlib.import_module("pack")
        assert is_rewritten(module)
        assert inspect.getsource(module.main) == SOURCE.lstrip()
        assert is_rewritten(importlib.reload(sys.modules["pack.mod"]))
