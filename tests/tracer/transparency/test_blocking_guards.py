"""A program that imports in a running loop, under a guard that raises at blocking calls."""

import os
import shutil
from pathlib import Path

import pytest
from tests.tracer.support import programs

from tenure._core import real_paths

MANAGER = """
    class Manager:
        async def __aenter__(self): return self
        async def __aexit__(self, *details): return None
    async def use():
        async with Manager():
            return 1
"""
LAZY = """
    import asyncio, blocking_guard
    async def main():
        import lazy, package.within, linked
        for one in lazy, package.within, linked:
            await one.use()
        try:
            import nothing_of_that_name
        except ModuleNotFoundError as error:
            print(error, error.__context__)
    with blocking_guard.guard() as blocked:
        asyncio.run(main())
    print(blocked)
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A program with a module, a package and a linked module that it imports late."""
    programs.write(tmp_path, app=LAZY, lazy=MANAGER, **{"package/__init__": "", "package/within": MANAGER})
    programs.write(tmp_path, **{"elsewhere/linked": MANAGER})
    (tmp_path / "linked.py").symlink_to(tmp_path / "elsewhere" / "linked.py")
    shutil.copy(Path(__file__).parents[1] / "support" / "blocking_guard.py", tmp_path)
    return tmp_path


def test_imports_in_a_loop_make_no_call_that_a_guard_sees(directory: Path) -> None:
    """From the source and from the cache; and all is recorded."""
    plain = programs.python(directory, "app.py")
    assert plain.stdout == "No module named 'nothing_of_that_name' None\n[]\n"
    for _ in ("source", "cache"):
        done = programs.tenure(directory, "run", "-o", "x.json", "app.py", PYTHONDONTWRITEBYTECODE="")
        assert done == plain
        assert sum(len(batch.rows) for batch in programs.recorded(directory / "x.json")) == 3
    assert len(list(directory.rglob("lazy.*tenure*.pyc"))) == 1


BLOCKBUSTER = """
    import asyncio
    import pytest
    from blockbuster import BlockBuster

    @pytest.fixture
    def no_blocking():
        guard = BlockBuster()
        guard.activate()
        yield
        guard.deactivate()

    def test_lazy_imports(no_blocking):
        async def main():
            import lazy, anyio
            return await lazy.use(), anyio.open_file
        assert asyncio.run(main())[0] == 1
"""
ARGUMENTS = [
    "-m",
    "pytest",
    "-q",
    "-p",
    "no:cacheprovider",
    "-W",
    "ignore",
    "--disable-plugin-autoload",
    "test_lazy.py",
]


@pytest.mark.parametrize("options", [[], ["--assert=plain"]])
def test_blockbuster_sees_no_call_of_ours(directory: Path, options: list[str]) -> None:
    """In the form that people type, with pytest's own rewriting, and without it."""
    programs.write(directory, test_lazy=BLOCKBUSTER)
    done = programs.tenure(directory, "run", "-o", "x.json", *ARGUMENTS, *options)
    assert (done.status, done.stderr) == (0, ""), done.stdout
    assert sum(len(batch.rows) for batch in programs.recorded(directory / "x.json")) >= 1


PYTEST = """
    import asyncio, blocking_guard, importlib, pathlib
    from _pytest.assertion import rewrite

    class Source(type(pathlib.Path())):
        def read_bytes(self):
            return TEXT

    TEXT = pathlib.Path("lazy.py").read_bytes()
    FILE = Source(pathlib.Path("lazy.py").absolute())

    def test_lazy(pytestconfig):
        async def main():
            return rewrite._rewrite_test(FILE, pytestconfig)
        with blocking_guard.guard() as blocked:
            _, code = asyncio.run(main())
        assert blocked == []
        names = {}
        exec(code, names)
        assert asyncio.run(names["use"]()) == 1
"""


def test_pytests_own_compiling_makes_no_call_that_a_guard_sees(directory: Path) -> None:
    """The source text is the one that pytest has read."""
    programs.write(directory, test_lazy=PYTEST)
    done = programs.tenure(directory, "run", "-o", "x.json", *ARGUMENTS)
    assert (done.status, done.stderr) == (0, ""), done.stdout
    kinds = [
        batch.resources[row.resource].kind for batch in programs.recorded(directory / "x.json") for row in batch.rows
    ]
    assert kinds.count("Manager") == 1


FAULTY = """
    import asyncio, tenure._rewriting.module_filter
    def includes(*_): raise OSError("no such thing")
    tenure._rewriting.module_filter.ModuleFilter.includes = includes
    import lazy, package.within
    print(asyncio.run(lazy.use()))
"""


def test_a_fault_of_ours_is_no_fault_of_the_import(directory: Path) -> None:
    """The program goes on; stderr says once what is not recorded, and no more."""
    programs.write(directory, app=FAULTY)
    done = programs.tenure(directory, "run", "-o", "x.json", "app.py")
    assert (done.status, done.stdout) == (0, "1\n")
    first, *rest = done.stderr.splitlines()
    assert first == "tenure: choosing which modules to record failed and lazy is imported unrecorded: no such thing"
    assert not [line for line in rest if line.startswith("tenure: choosing")]


def test_a_fault_of_ours_is_no_fault_of_pytests_import(directory: Path) -> None:
    """With its own rewriting, too."""
    faulty = FAULTY.replace("import lazy, package.within", "def test_it(): import test_within")
    programs.write(directory, conftest=faulty.partition("    print")[0], test_within="def test_within(): pass")
    done = programs.tenure(directory, "run", "-o", "x.json", *ARGUMENTS[:-1])
    assert done.status == 0, done.stdout


FINDERS = """
    import sys
    calls = []
    class Finder:
        def find_spec(self, name, path=None, target=None):
            calls.append(name)
        def __eq__(self, other):
            calls.append("eq")
            return False
        __hash__ = None
    sys.meta_path.insert(0, Finder())
    sys.meta_path.append(Finder())
    for name in "lazy", "anyio", "nothing_of_that_name", "asyncpg.of_that_name", "aiokafka":
        try:
            __import__(name)
        except ModuleNotFoundError as error:
            print(error, error.name, error.__context__)
    print([name for name in calls if name.startswith(("nothing", "eq", "lazy", "aiokafka"))])
"""


@pytest.mark.parametrize("hidden", [[], ["aiokafka"]])
def test_the_programs_finders_are_asked_as_often_as_ever(directory: Path, hidden: list[str]) -> None:
    """For what is there and for what is missing, also where an adapter waits for it."""
    programs.write(
        directory, app="\n".join([*(f"    import sys; sys.modules[{one!r}] = None" for one in hidden), FINDERS])
    )
    plain = programs.python(directory, "app.py")
    assert "nothing_of_that_name" in plain.stdout
    assert programs.tenure(directory, "run", "-o", "x.json", "app.py") == plain


def test_real_paths_are_those_of_the_standard_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With links in links, up and down, relative, in circles and to nowhere."""
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    (folder / "file").write_text("text")
    for name, target in {
        "up": "a/b/../..", "file": "a/b/file", "twice": "file", "circle": "circle", "nowhere": "no/where",
        "absolute": str(folder), "dots": "./a/./b",
    }.items():  # fmt: skip
        (tmp_path / name).symlink_to(target)
    monkeypatch.chdir(folder)
    for path in ("up/a/b/file", "twice", "nowhere/x", "absolute/../b/file", "dots//file", "", "a/none/../b"):
        for form in (f"{tmp_path}/{path}", f"../../{path}"):
            assert real_paths.real(form) == os.path.realpath(form)
    assert real_paths.real(f"{tmp_path}/circle/x").endswith("circle/x")
    assert real_paths.read(str(folder / "file")) == b"text"
    assert (real_paths.is_link(f"{tmp_path}/up"), real_paths.is_link(str(folder))) == (True, False)
