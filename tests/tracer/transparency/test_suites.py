"""Suites that nobody here wrote, in short: ``make transparency`` runs more of them, on more interpreters.

The interpreter's own tests are there as CPython is built and distributed; where they are packaged apart (Debian's
libpython3-testsuite), what is run is the suite of our own below and tests/tracer/transparency/test_differential.py.
"""

import importlib.util
import os
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from tests.qualification.transparency import comparison, suite_run
from tests.qualification.transparency.suite_run import Run
from tests.qualification.transparency.suites import LIBRARIES, Suite, cpython

MODULES = (
    "test_contextlib",
    "test_contextlib_async",
    "test_with",
    "test_asyncio.test_locks",
    "test_asyncio.test_taskgroups",
    "test_asyncio.test_timeouts",
)
OURS = """
import asyncio, unittest

class Tests(unittest.IsolatedAsyncioTestCase):
    async def test_good(self):
        async with asyncio.Lock() as lock, asyncio.timeout(60):
            self.assertIsNone(lock)

    async def test_bad(self):
        async with asyncio.Lock():
            self.fail()

    async def test_that_notices(self):
        import sys
        self.assertNotIn("tenure", sys.modules)

    @unittest.skip("for a reason")
    async def test_skipped(self):
        pass

    async def test_with_subtests(self):
        for number in range(3):
            with self.subTest(number=number):
                async with asyncio.Lock():
                    self.assertEqual(number, 1)
"""


WITHOUT_PLUGINS = (
    "--disable-plugin-autoload",
)  # those that are installed here take pytest's start to ten times as long


def is_there(module: str) -> bool:
    """Whether the interpreter has this module of its tests."""
    try:
        return importlib.util.find_spec(f"test.{module}") is not None
    except ModuleNotFoundError:
        return False


def both(suite: Suite, directory: Path | None = None) -> tuple[Run, Run]:
    """The suite as it is and recorded by the probe that serves here, side by side."""
    python = Path(sys.executable)
    with ThreadPoolExecutor() as pool:
        plain = pool.submit(suite_run.plain, suite, python, directory)
        recorded = pool.submit(suite_run.recorded, suite, python, os.environ.get("TENURE_PROBE", ""), directory)
        return plain.result(), recorded.result()


FOUND = tuple(module for module in MODULES if is_there(module))


if FOUND:  # else the suite of our own has to do, and nothing is skipped

    def test_the_interpreters_own_tests_come_to_the_same_when_they_are_recorded() -> None:
        """Test by test; and hundreds of lifecycles were captured meanwhile, so that something was compared."""
        plain, recorded = both(cpython(*FOUND))
        assert (plain.trouble, recorded.trouble) == ("", "")
        found = comparison.differences(plain, recorded)
        assert comparison.steady(found, partial(suite_run.alone, cpython(*FOUND), Path(sys.executable)))[0] == []
        assert (len(plain.outcomes) > 50 * len(FOUND), recorded.sites > 200, recorded.lifecycles > 200) == (True,) * 3


def test_a_test_that_differs_is_found(tmp_path: Path) -> None:
    """By its id, with both outcomes; what fails or is skipped in both runs is no difference."""
    (tmp_path / "ours.py").write_text(OURS)
    plain, recorded = both(Suite("ours", ("ours",), ("ours",), source="ours"), tmp_path)
    assert plain.outcomes == {
        "ours.Tests.test_bad": "failure",
        "ours.Tests.test_good": "ok",
        "ours.Tests.test_skipped": "skipped: for a reason",
        "ours.Tests.test_that_notices": "ok",
        "ours.Tests.test_with_subtests": "failure of a subtest, failure of a subtest",
    }
    assert comparison.differences(plain, recorded) == [("ours.Tests.test_that_notices", "ok", "failure")]
    assert (recorded.sites, recorded.lifecycles) == (5, 9 + 4)  # each test that was not skipped is one


WITH_PYTEST = """
import contextlib, gc, pathlib, pytest, sys

class Cycle:
    def __init__(self): self.me = self
    def __del__(self): raise ValueError("late")

class Manager(contextlib.ExitStack): pass

@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["a", "b"])
def test_that_leaves_a_cycle(name):
    with Manager():
        if name == "a": Cycle()

@pytest.mark.filterwarnings("error")
def test_after_it():
    garbage = [[] for _ in range(100_000)]
    with Manager(): pass

@pytest.mark.parametrize("name", ["x"])
def test_that_fails_every_third_time(name):
    file = pathlib.Path("turns")
    turn = int(file.read_text()) + 1 if file.exists() else 0
    file.write_text(str(turn))
    assert turn % 3

def test_that_notices():
    assert "tenure" not in sys.modules
"""


def test_pytest_blames_what_a_test_leaves_behind_on_that_test(tmp_path: Path) -> None:
    """Cycles are collected between tests alone, so that objects of ours do not move the blame to another test."""
    (tmp_path / "test_ours.py").write_text(WITH_PYTEST)
    suite = Suite(
        "ours",
        ("test_ours",),
        ("test_ours.py", "-k", "cycle or after"),
        with_pytest=True,
        source="ours",
        options=WITHOUT_PLUGINS,
    )
    plain, recorded = both(suite, tmp_path)
    assert plain.outcomes == {
        "test_ours.py::test_that_leaves_a_cycle[a]": (
            "call passed, teardown failed pytest.PytestUnraisableExceptionWarning"
        ),
        "test_ours.py::test_that_leaves_a_cycle[b]": "call passed",
        "test_ours.py::test_after_it": "call passed",
    }
    assert recorded.outcomes == plain.outcomes
    assert (recorded.sites, recorded.lifecycles) == (2, 3 + len(plain.outcomes))  # each test is one


IMPORTING = """
import asyncio, contextlib, pytest
from blockbuster import BlockBuster

@pytest.fixture(autouse=True)
def no_blocking():
    guard = BlockBuster()
    guard.activate()
    yield
    guard.deactivate()

class Manager(contextlib.AsyncExitStack): pass

async def use():
    import anyio.abc
    async with Manager(): return anyio.open_file

def test_a_lazy_import(): assert asyncio.run(use())
def test_that_fails(): assert not asyncio.run(use()), "explained"
"""


@pytest.mark.parametrize("asserts", [False, True])
def test_pytests_suites_are_run_in_both_forms(tmp_path: Path, asserts: bool) -> None:
    """As people type it, with pytest's own rewriting, and with ``--assert=plain``; under a guard that sees blocking."""
    (tmp_path / "test_ours.py").write_text(IMPORTING)
    suite = Suite(
        "ours",
        ("test_ours",),
        ("test_ours.py",),
        with_pytest=True,
        source="ours",
        options=WITHOUT_PLUGINS,
        asserts=asserts,
    )
    assert ("--assert=plain" in suite.command(Path("python"))) == (not asserts)
    plain, recorded = both(suite, tmp_path)
    assert plain.outcomes == {
        "test_ours.py::test_a_lazy_import": "call passed",
        "test_ours.py::test_that_fails": "call failed AssertionError",
    }
    assert (recorded.trouble, recorded.outcomes) == ("", plain.outcomes)
    assert (recorded.sites, recorded.lifecycles) == (1, 2 + 2 * len(plain.outcomes))  # each test, and its fixture


def test_every_suite_of_pytests_has_both_forms() -> None:
    """None is run with ``--assert=plain`` alone."""
    forms = [(suite.name.partition(":")[0], suite.asserts) for suite in LIBRARIES if suite.with_pytest]
    assert sorted(forms) == sorted((name, asserts) for name in {name for name, _ in forms} for asserts in (False, True))


def test_a_difference_is_excused_only_by_what_the_test_does_unrecorded(tmp_path: Path) -> None:
    """One that fails now and then as it is wobbles, with how often; one that fails only when recorded differs."""
    (tmp_path / "test_ours.py").write_text(WITH_PYTEST)
    suite = Suite("ours", ("test_ours",), (), with_pytest=True, source="ours", options=WITHOUT_PLUGINS)
    unsteady = "test_ours.py::test_that_fails_every_third_time[x]"
    found = [
        comparison.Difference(unsteady, "call passed", "call failed AssertionError"),
        comparison.Difference("test_ours.py::test_that_notices", "call passed", "call failed AssertionError"),
        comparison.Difference("test.test_sys_settrace.JumpTestCase.test_jump_across_with", "ok", "failure"),
    ]

    def alone(test: str) -> Counter[str]:
        return suite_run.alone(suite, Path(sys.executable), test, tmp_path, times=9)

    assert comparison.steady(found, alone) == (found[1:], [comparison.Wobble(found[0], 3, 9)])
    assert alone("test_ours.py::test_that_notices") == Counter({"call passed": 9})


def test_unittests_are_repeated_too(tmp_path: Path) -> None:
    """Each turn with its own outcome, under the test's id."""
    (tmp_path / "ours.py").write_text(OURS)
    suite = Suite("ours", (), (), source="ours")
    run = partial(suite_run.alone, suite, Path(sys.executable), directory=tmp_path, times=3)
    assert run("ours.Tests.test_that_notices") == Counter({"ok": 3})
    assert run("ours.Tests.test_bad") == Counter({"failure": 3})


def test_a_suite_that_breaks_off_is_no_success(tmp_path: Path) -> None:
    """What was running is named, and the run says how it ended."""
    (tmp_path / "ours.py").write_text(
        "import os, unittest\n"
        "class Tests(unittest.TestCase):\n"
        "    def test_a(self): pass\n"
        "    def test_b(self): os._exit(3)\n"
    )
    run = suite_run.plain(Suite("ours", (), ("ours",), source="ours"), Path(sys.executable), tmp_path)
    assert run.outcomes == {"ours.Tests.test_a": "ok", "ours.Tests.test_b": suite_run.UNFINISHED}
    assert run.trouble == "ended with status 3 before its end: it said nothing"
