"""The suites that are run: CPython's own and those of libraries, and how each is told to run."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

REPORTERS = Path(__file__).parent / "reporters"
PYTEST = ("pytest==9.2.0",)


class Suite(NamedTuple):
    """A suite of tests.

    ``include`` are the packages whose modules are rewritten although they are installed. A library's suite is run in
    its unpacked source distribution, ``source``; CPython's in an empty directory. ``asserts``: pytest rewrites the
    assertions of test modules, as it does where nobody says ``--assert=plain``.
    """

    name: str
    include: tuple[str, ...]
    arguments: tuple[str, ...]
    with_pytest: bool = False
    source: str = ""
    needs: tuple[str, ...] = ()
    asserts: bool = False
    options: tuple[str, ...] = ()  # of pytest, also where one test is run by itself

    def command(self, python: Path, test: str = "") -> list[str]:
        """The suite, or one test of it, run as it is; a test of pytest's with all its parameters."""
        return [str(python), *self._program(test.partition("[")[0] if self.with_pytest else test)]

    def recorded(self, python: Path, recording: Path) -> list[str]:
        """The same under ``tenure run``, `with` included."""
        packages = [word for package in self.include for word in ("--include", package)]
        ours = ["--exclude", "transparency_report", "--exclude", "with_pytest"]
        options = ["--sync", *packages, *ours, "-o", str(recording)]
        return [str(python), "-m", "tenure", "run", *options, *self._program("")]

    def _program(self, test: str) -> list[str]:
        arguments = (test,) if test else self.arguments
        if not self.with_pytest:
            return [str(REPORTERS / "with_unittest.py"), *arguments]
        options = ["-p", "with_pytest", "-p", "no:cacheprovider", "-q", *self.options]
        return ["-m", "pytest", *([] if self.asserts else ["--assert=plain"]), *options, *arguments]


def cpython(*modules: str) -> Suite:
    """Modules of the interpreter's own ``test`` package as one suite."""
    return Suite(", ".join(modules), ("test",), tuple(f"test.{module}" for module in modules))


CPYTHON = tuple(
    cpython(module)
    for module in (
        "test_contextlib",
        "test_contextlib_async",
        "test_with",
        "test_coroutines",
        "test_asyncgen",
        "test_sys_settrace",
        "test_asyncio",
    )
)
_LIBRARIES = (
    Suite(
        "anyio",
        ("anyio", "tests"),
        # The plugin's tests start another pytest each, which nothing records; the network may not be there.
        ("tests", "-k", "not trio and not uvloop", "-m", "not network", "--ignore=tests/test_pytest_plugin.py"),
        with_pytest=True,
        source="anyio==4.16.0",
        needs=(
            *PYTEST,
            "blockbuster==1.5.29",
            "hypothesis==6.170.17",
            "psutil==7.2.2",
            "pytest-mock==3.17.0",
            "pytest-timeout==2.4.0",
            "trustme==1.2.1",
            "truststore==0.10.5",
        ),
    ),
    Suite("aiosqlite", ("aiosqlite",), ("aiosqlite.tests",), source="aiosqlite==0.22.1"),
    Suite(
        "asyncstdlib",
        ("asyncstdlib", "unittests"),
        ("unittests",),
        with_pytest=True,
        source="asyncstdlib==3.14.0",
        needs=(*PYTEST, "typing-extensions==4.16.0"),
    ),
    Suite(
        "starlette",
        ("starlette", "tests"),
        ("tests", "-k", "not trio", "--ignore=tests/benchmarks"),
        with_pytest=True,
        source="starlette==1.10.0",
        needs=(
            *PYTEST,
            "blockbuster==1.5.29",
            "httpx==0.28.1",
            "httpx2[zstd]==2.16.2",
            "itsdangerous==2.2.0",
            "jinja2==3.1.6",
            "opentelemetry-sdk==1.45.2",
            "python-multipart==0.0.34",
            "pyyaml==6.0.3",
            "trio==0.35.0",
        ),
    ),
    Suite(
        "sqlalchemy",
        ("sqlalchemy", "aiosqlite", "test"),
        ("test/ext/asyncio",),
        with_pytest=True,
        source="sqlalchemy==2.1.9",
        needs=(*PYTEST, "aiosqlite==0.22.1", "greenlet==3.5.6"),
        options=("--db", "aiosqlite"),
    ),
)


def _in_each_form(suite: Suite) -> tuple[Suite, ...]:
    """A suite of pytest's is run in both forms."""
    return (suite, suite._replace(name=f"{suite.name}:asserts", asserts=True)) if suite.with_pytest else (suite,)


LIBRARIES = tuple(form for suite in _LIBRARIES for form in _in_each_form(suite))
