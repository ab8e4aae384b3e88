"""Suites that nobody here wrote, in short: ``make transparency`` runs more of them, on more interpreters.

The interpreter's own tests are there as CPython is built and distributed; where they are packaged apart (Debian's
libpython3-testsuite), what is run is the suite of our own below and tests/tracer/test_differential.py.
"""

import importlib.util
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scripts.transparency import comparing, running
from scripts.transparency.running import Run
from scripts.transparency.suites import Suite, cpython

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


def is_there(module: str) -> bool:
    """Whether the interpreter has this module of its tests."""
    try:
        return importlib.util.find_spec(f"test.{module}") is not None
    except ModuleNotFoundError:
        return False


def both(suite: Suite, directory: Path | None = None, tests: tuple[str, ...] = ()) -> tuple[Run, Run]:
    """The suite as it is and recorded by the probe that serves here, side by side."""
    python = Path(sys.executable)
    with ThreadPoolExecutor() as pool:
        plain = pool.submit(running.plain, suite, python, directory, tests)
        recorded = pool.submit(running.recorded, suite, python, os.environ.get("TENURE_PROBE", ""), directory, tests)
        return plain.result(), recorded.result()


FOUND = tuple(module for module in MODULES if is_there(module))


if FOUND:  # else the suite of our own has to do, and nothing is skipped

    def test_the_interpreters_own_tests_come_to_the_same_when_they_are_recorded() -> None:
        """Test by test; and hundreds of lifecycles were captured meanwhile, so that something was compared."""
        plain, recorded = both(cpython(*FOUND))
        assert (plain.trouble, recorded.trouble) == ("", "")
        found = comparing.differences(plain, recorded)
        assert comparing.steady(found, lambda test: both(cpython(*FOUND), tests=(test,))) == []
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
    assert comparing.differences(plain, recorded) == [("ours.Tests.test_that_notices", "ok", "failure")]
    assert (recorded.sites, recorded.lifecycles) == (5, 9)


def test_a_suite_that_breaks_off_is_no_success(tmp_path: Path) -> None:
    """What was running is named, and the run says how it ended."""
    (tmp_path / "ours.py").write_text(
        "import os, unittest\n"
        "class Tests(unittest.TestCase):\n"
        "    def test_a(self): pass\n"
        "    def test_b(self): os._exit(3)\n"
    )
    run = running.plain(Suite("ours", (), ("ours",), source="ours"), Path(sys.executable), tmp_path)
    assert run.outcomes == {"ours.Tests.test_a": "ok", "ours.Tests.test_b": running.UNFINISHED}
    assert run.trouble == "ended with status 3 before its end: it said nothing"
