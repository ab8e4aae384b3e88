"""A program's own tests under ``tenure run -m pytest``: pytest explains their assertions, and they are recorded."""

import re
from pathlib import Path

import pytest
from tests.tracer.support import programs
from tests.tracer.support.programs import Done

from tenure import testing

FILES = {
    "manager": """
        class Manager:
            async def __aenter__(self): return self
            async def __aexit__(self, *details): return None
            def __repr__(self): return "<manager>"
    """,
    "test_own": """
        import asyncio
        import pytest
        from manager import Manager

        async def use(number):
            async with Manager() as a:
                async with Manager() as b:
                    assert number == len([a, b]), [name for name in sorted(locals()) if "py_" not in name]
                    return number

        @pytest.mark.parametrize("number", [2, 3])
        def test_use(number):
            assert asyncio.run(use(number)) == 3
    """,
    "conftest": """
        from manager import Manager
        async def enters():
            async with Manager(): assert False
    """,
}
WITH_PLUGINS = ["-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider", "-W", "ignore"]
ARGUMENTS = [*WITH_PLUGINS, "--disable-plugin-autoload"]  # the installed ones take pytest's start to ten times as long
EXPLAINED = "E    +  where 2 = len([<manager>, <manager>])"


def said(done: Done) -> Done:
    """Without addresses and durations."""
    text = re.sub(r"0x[0-9a-f]+", "0x", done.stdout)
    return done._replace(stdout=re.sub(r"in [0-9.]+s", "", text))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    programs.write(tmp_path, **FILES)
    return tmp_path


def managers(recording: Path) -> int:
    """How many lifecycles of managers were recorded, beside those of the tests."""
    rows = [row for batch in programs.recorded(recording) for row in testing.lifecycles_of(batch)]
    return len({row.id for row in rows if row.resource.startswith("manager.Manager")})


def traced(directory: Path, *options: str) -> tuple[Done, int]:
    """How pytest ended under ``tenure run``, and how many lifecycles were recorded."""
    done = programs.tenure(directory, "run", "-o", "x.json", *options, *ARGUMENTS, PYTHONDONTWRITEBYTECODE="")
    return said(done), managers(directory / "x.json")


def test_tests_are_explained_as_ever_and_recorded(directory: Path) -> None:
    """The same output from the source as from the cache; and pytest alone keeps a cache of its own."""
    plain = said(programs.python(directory, *ARGUMENTS))
    assert EXPLAINED in plain.stdout
    assert traced(directory) == (plain, 4)
    assert traced(directory) == (plain, 4)
    assert said(programs.python(directory, *ARGUMENTS)) == plain
    tails = sorted(
        re.sub(r"\w{12}\.pyc$", "X.pyc", path.name) for path in (directory / "__pycache__").glob("test_own*")
    )
    assert [tail.partition("-tenure")[2] for tail in tails if "-tenure" in tail] == ["X.pyc"]


def test_an_excluded_test_module_is_left_to_pytest_alone(directory: Path) -> None:
    """Whether it was cached before with its statements recorded or not."""
    found = [traced(directory, *options)[1] for options in ([], ["--exclude", "test_own"], [])]
    assert found == [4, 0, 4]


def test_without_assertion_rewriting_tests_are_recorded_too(directory: Path) -> None:
    """--assert=plain leaves the modules to the import hook. Here pytest has its plugins."""
    plain = said(programs.python(directory, *WITH_PLUGINS, "--assert=plain"))
    done = programs.tenure(directory, "run", "-o", "x.json", *WITH_PLUGINS, "--assert=plain")
    assert said(done) == plain
    assert managers(directory / "x.json") == 4


def test_a_syntax_error_in_a_test_module_is_told_as_ever(directory: Path) -> None:
    """The report of what it pytest could not import is the same."""
    programs.write(directory, test_own="async def use(m):\n    async with m as 5: pass\n")
    plain = said(programs.python(directory, *ARGUMENTS))
    assert "SyntaxError: cannot assign to literal" in plain.stdout
    assert traced(directory) == (plain, 0)


def test_the_doctor_counts_the_sites_of_test_modules(directory: Path) -> None:
    """They are rewritten modules like others."""
    report = programs.tenure(directory, "doctor", *ARGUMENTS).stderr
    assert "2  sites in test_own" in report
    assert "managers missed: none" in report
