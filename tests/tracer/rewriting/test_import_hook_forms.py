"""Modules in every form in which Python imports source text: rewritten, they look the same."""

import importlib
import importlib.resources
import importlib.util
import marshal
import runpy
import sys
import zipfile
from pathlib import Path

import pytest
from tests.tracer.support import programs
from tests.tracer.support.hooked_imports import SOURCE, expressions, hooked, is_rewritten

from tenure._rewriting import rewriter

TEXT = """\
# coding: {encoding}
NAME = "{text}"
async def main(m):
    async with m["{text}"]: pass
"""
ENCODINGS = [
    ("utf-8", "é字"),
    ("utf-8-sig", "é字"),
    ("latin-1", "é"),
    ("cp1252", "€"),
    ("shift_jis", "字"),
    ("koi8-r", "ж"),
]


@pytest.mark.parametrize(("encoding", "text"), ENCODINGS)
def test_every_encoding_is_read_as_python_reads_it(encoding: str, text: str, tmp_path: Path) -> None:
    """A byte order mark and a declaration: the module's texts are right, and so are the expressions of its sites."""
    (tmp_path / "mine.py").write_bytes(TEXT.format(encoding=encoding, text=text).encode(encoding))
    with hooked(tmp_path):
        module = importlib.import_module("mine")
        assert (module.NAME, expressions(module.main.__code__)) == (text, [f'm["{text}"]'])


def test_keywords_are_found_in_an_encoding_that_hides_them(tmp_path: Path) -> None:
    """In UTF-7 a letter can be written in other bytes than ASCII's."""
    source = b"#!python\n# vim: set fileencoding=utf-7 :\nasync def main(m):\n    async +AHc-ith m: pass\n"
    (tmp_path / "mine.py").write_bytes(source)
    with hooked(tmp_path):
        assert is_rewritten(importlib.import_module("mine"))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_every_line_end_is_one(end: str, tmp_path: Path) -> None:
    """A statement that goes on over lines, with a form feed, is found, and its expression and line are right."""
    source = "\fasync def main(m):\n    async \\\n \t\f with m(\n        1): pass\n".replace("\n", end)
    (tmp_path / "mine.py").write_bytes(source.encode())
    with hooked(tmp_path):
        module = importlib.import_module("mine")
        assert expressions(module.main.__code__) == ["m( 1)"]


@pytest.mark.parametrize("source", ["", "\n", "# nothing", '"""A text."""', "with_ = 'async with'"])
def test_a_module_without_statements_is_compiled_as_it_is(source: str) -> None:
    """Empty, only a comment, only a text, or only the words."""
    assert rewriter.rewrite(source.encode(), "mine.py", sync=True) == compile(source, "mine.py", "exec")


def test_namespace_packages_are_the_programs_own(tmp_path: Path) -> None:
    """A package without __init__, in two places, of which each has a module."""
    programs.write(tmp_path, **{"one/space/first": SOURCE, "two/space/inner/second": SOURCE})
    with hooked(tmp_path / "one"), hooked(tmp_path / "two"):
        assert is_rewritten(importlib.import_module("space.first"))
        assert is_rewritten(importlib.import_module("space.inner.second"))


def test_a_zip_file_holds_modules_of_the_program(tmp_path: Path) -> None:
    """A package in it, its modules, their source text and its other files; an excluded one is left as it is."""
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("pack/__init__.py", SOURCE)
        archive.writestr("pack/mod.py", "# coding: latin-1\nNAME = 'é'".encode("latin-1") + SOURCE.encode())
        archive.writestr("pack/data.txt", "content")
        archive.writestr("out.py", SOURCE)
    with hooked(tmp_path, exclude=["out"]):
        sys.path.insert(0, str(tmp_path / "all.zip"))
        try:
            pack, mod, out = map(importlib.import_module, ("pack", "pack.mod", "out"))
        finally:
            sys.path.remove(str(tmp_path / "all.zip"))
        assert [is_rewritten(module) for module in (pack, mod, out)] == [True, True, False]
        assert mod.NAME == "é"
        assert pack.__loader__.get_source("pack") == SOURCE
        assert importlib.resources.files("pack").joinpath("data.txt").read_text() == "content"
        assert mod.main.__code__.co_filename == str(tmp_path / "all.zip" / "pack" / "mod.py")


def test_bytecode_in_a_zip_file_without_its_source_runs_as_it_is(tmp_path: Path) -> None:
    """There is nothing to rewrite."""
    programs.write(tmp_path, mine=SOURCE)
    with hooked(tmp_path):
        code = importlib.util.spec_from_file_location("mine", tmp_path / "mine.py").loader.get_code("mine")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("only.pyc", importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(code))
    with hooked(tmp_path):
        sys.path.insert(0, str(tmp_path / "all.zip"))
        try:
            assert not is_rewritten(importlib.import_module("only"))
        finally:
            sys.path.remove(str(tmp_path / "all.zip"))


def test_reloading_and_resources_work_as_ever(tmp_path: Path) -> None:
    """A module that is loaded again is rewritten again, from its new text; a package's files are found."""
    programs.write(tmp_path, **{"pack/__init__": SOURCE})
    (tmp_path / "pack" / "data.txt").write_text("content")
    with hooked(tmp_path):
        pack = importlib.import_module("pack")
        assert importlib.resources.files("pack").joinpath("data.txt").read_text() == "content"
        programs.write(tmp_path, **{"pack/__init__": SOURCE + "ADDED = 1"})
        again = importlib.reload(pack)
        assert (again is pack, pack.ADDED, is_rewritten(pack)) == (True, 1, True)


def test_a_lazy_loader_loads_when_it_is_asked(tmp_path: Path) -> None:
    """importlib.util.LazyLoader around ours, as its documentation shows it."""
    programs.write(tmp_path, mine=SOURCE)
    with hooked(tmp_path):
        spec = importlib.util.find_spec("mine")
        spec.loader = importlib.util.LazyLoader(spec.loader)
        module = sys.modules["mine"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert type(module).__name__ == "_LazyModule"
        assert is_rewritten(module)
        assert type(module).__name__ == "module"


def test_runpy_runs_modules_rewritten(tmp_path: Path) -> None:
    """A module, and a package by its __main__; a path is the affair of runpy alone."""
    programs.write(tmp_path, mine=SOURCE, **{"pack/__init__": "", "pack/__main__": SOURCE})
    with hooked(tmp_path):
        ran = [runpy.run_module(name)["main"] for name in ("mine", "pack")]
        ran.append(runpy.run_path(str(tmp_path / "mine.py"))["main"])
    assert ["@tenure_begin" in main.__code__.co_names for main in ran] == [True, True, False]


NESTED = {
    "a long elif": "if a == 0: pass\n" + "".join(f"elif a == {n}: pass\n" for n in range(300)),
    "a deep expression": "x = " + " + ".join(["1"] * 900),
    "an expression as deep as Python goes": "x = " + " + ".join(["1"] * 2_000),
    "as many functions as indentation allows": "".join(" " * n + f"async def f{n}():\n" for n in range(90))
    + " " * 90
    + "async with m: pass",
    "a long chain of calls": "x = a" + ".b()" * 400,
}


@pytest.mark.parametrize("name", NESTED)
def test_depth_does_not_break_a_module(name: str, tmp_path: Path) -> None:
    """What Python compiles is imported, however deep it is nested, and recorded where a tree of it can be compiled."""
    (tmp_path / "mine.py").write_text(
        f"a, m = 0, None\nif 0:\n  pass\n{SOURCE}\ndef never():\n"
        + "".join(f" {line}\n" for line in NESTED[name].splitlines())
    )
    with hooked(tmp_path):
        module = importlib.import_module("mine")
    assert is_rewritten(module) or name == "an expression as deep as Python goes"


def test_a_huge_module_is_rewritten_whole() -> None:
    """3,000 functions; each of them has its site."""
    source = "".join(f"async def f{n}(m):\n    async with m: pass\n" for n in range(3_000))
    code = rewriter.rewrite(source.encode(), "mine.py")
    names: dict = {}
    exec(code, names)
    assert all("@tenure_begin" in names[f"f{n}"].__code__.co_names for n in range(3_000))


if sys.version_info >= (3, 12):

    def test_type_parameters_are_kept() -> None:
        """PEP 695: generic functions, classes and methods keep names, parameters and bounds; so does PEP 696."""
        default = " = int" if sys.version_info >= (3, 13) else ""
        source = f"""
type Pair[T{default}] = tuple[T, T]
async def main[T: int, *Ts, **P](m: T) -> Pair[T]:
    async with m as value, m:
        return value, [T for _ in "a"]
class Box[T{default}]:
    async def get[U](self, m: U) -> "Box[U]":
        async with m: return T, U
"""
        plain, rewritten = {}, {}
        exec(compile(source, "mine.py", "exec"), plain)
        exec(code := rewriter.rewrite(source.encode(), "mine.py"), rewritten)
        assert expressions(code) == ["m", "m"]
        for name in ("main", "Box"):
            assert str(rewritten[name].__type_params__) == str(plain[name].__type_params__)
        get = rewritten["Box"].get
        assert (get.__qualname__, str(get.__type_params__)) == ("Box.get", "(U,)")
        assert str(rewritten["main"].__annotations__) == str(plain["main"].__annotations__)


def test_importing_is_reported_as_ever(tmp_path: Path) -> None:
    """-X importtime names the same modules of the program."""
    programs.write(tmp_path, app="import mine", mine=SOURCE)

    def named(done: programs.Done) -> list[str]:
        names = [
            line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")
        ]
        return [name for name in names if name == "mine"]

    plain = programs.python(tmp_path, "app.py", flags=("-X", "importtime"))
    traced = programs.tenure(tmp_path, "run", "-o", "x.json", "app.py", flags=("-X", "importtime"))
    assert (plain.status, named(plain)) == (traced.status, named(traced)) == (0, ["mine"])
