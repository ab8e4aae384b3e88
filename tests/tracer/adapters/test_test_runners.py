"""pytest and unittest: each test is a root with its outcome, fixtures are held, and the output is as ever."""

import re
from pathlib import Path

import pytest
from tests.tracer.support import programs

from tenure import testing

PYTEST_FILES = {
    "test_shop": """
        import asyncio
        import unittest
        import anyio
        import pytest
        import pytest_asyncio

        @pytest_asyncio.fixture
        async def pool():
            async with asyncio.timeout(9):
                yield asyncio.Lock()

        @pytest.fixture(scope="module")
        def server():
            async def serve():
                async with asyncio.Semaphore(1): pass
            yield asyncio.run(serve())

        @pytest.fixture
        def value(): return 3

        @pytest.fixture
        def broken():
            raise ValueError("no setup")
            yield

        @pytest.fixture
        def torn():
            yield
            raise ValueError("no teardown")

        @pytest.fixture
        def anyio_backend(): return "asyncio"

        @pytest.mark.asyncio
        async def test_async(server, pool, value, tmp_path):
            async with pool: pass

        @pytest.mark.asyncio
        async def test_failing(pool):
            async with pool: assert 1 == 2

        @pytest.mark.parametrize("path", ["a/b", "c"])
        def test_sync(path, server):
            async def main():
                async with asyncio.Lock(): pass
            asyncio.run(main())

        @pytest.mark.anyio
        @pytest.mark.parametrize("number", [1, 2])
        async def test_anyio(number):
            async with anyio.Lock(): pass

        @pytest.mark.xfail
        def test_expected(): assert 0

        @pytest.mark.xfail(strict=True)
        def test_unexpected(): pass

        @pytest.mark.skip
        def test_skipped(): assert 0

        def test_broken(broken): pass

        def test_torn(torn): pass

        class TestCase(unittest.IsolatedAsyncioTestCase):
            async def test_case(self):
                await self.enterAsyncContext(asyncio.Lock())
            async def test_wrong(self):
                self.fail("wrong")
    """
}
PYTEST = [
    "-m",
    "pytest",
    "-p",
    "no:cacheprovider",
    "--disable-plugin-autoload",
    "-p",
    "pytest_asyncio.plugin",
    "-p",
    "anyio.pytest_plugin",
]
PYTEST_TREE = [
    "Test test_shop.py::test_async ok",
    "Fixture server ok",
    "  Semaphore  ok",
    "  Fixture pool ok",
    "    timeout 9 s ok",
    "    Lock pool ok",
    "Test test_shop.py::test_failing AssertionError",
    "  Fixture pool ok",
    "    timeout 9 s ok",
    "    Lock pool #2 AssertionError",
    "Test test_shop.py::test_sync[a/b] ok",
    "  Lock  ok",
    "Test test_shop.py::test_sync[c] ok",
    "  Lock  ok",
    "Test test_shop.py::test_anyio[1] ok",
    "  Lock  ok",
    "Test test_shop.py::test_anyio[2] ok",
    "  Lock  ok",
    "Test test_shop.py::test_expected ok",
    "Test test_shop.py::test_unexpected TestFailed",
    "Test test_shop.py::test_skipped ok",
    "Test test_shop.py::test_broken ValueError",
    "  Fixture broken ValueError",
    "Test test_shop.py::test_torn ValueError",
    "  Fixture torn ValueError",
    "Test test_shop.py::TestCase::test_case ok",
    "  Lock  ok",
    "Test test_shop.py::TestCase::test_wrong AssertionError",
]
UNITTEST_FILES = {
    "test_case": """
        import asyncio
        import unittest

        class Shop(unittest.IsolatedAsyncioTestCase):
            async def asyncSetUp(self):
                await self.enterAsyncContext(asyncio.Lock())
                self.setup_done = True
            async def test_a(self):
                async with asyncio.Semaphore(2): self.assertTrue(self.setup_done)
            async def test_b(self):
                self.fail("wrong")
            def test_c(self):
                with self.subTest(number=1): self.assertEqual(1, 2)
            @unittest.expectedFailure
            async def test_d(self): self.fail("expected")
            @unittest.expectedFailure
            async def test_e(self): pass
            @unittest.skip("later")
            async def test_f(self): pass

        class Plain(unittest.TestCase):
            def test_cleanups(self):
                self.addCleanup(self.assertTrue, True)
                self.doCleanups()
                self.fail("after its cleanups")

        class Refused(unittest.IsolatedAsyncioTestCase):
            async def test_nothing(self):
                with self.assertRaises(TypeError):
                    await self.enterAsyncContext(3)
    """
}
UNITTEST_TREE = [
    "TestCase Plain.test_cleanups AssertionError",
    "TestCase Refused.test_nothing ok",
    "TestCase Shop.test_a ok",
    "  Lock  ok",
    "  Semaphore  ok",
    "TestCase Shop.test_b AssertionError",
    "  Lock  ok",
    "TestCase Shop.test_c TestFailed",
    "  Lock  ok",
    "TestCase Shop.test_d ok",
    "  Lock  ok",
    "TestCase Shop.test_e TestFailed",
    "  Lock  ok",
]


def tree(recording: Path) -> list[str]:
    """Every lifecycle as "Kind name outcome", two blanks deeper than its parent, without the plugins' own runners."""
    depths, lines = {0: -1}, []
    lifecycles = {row.id: row for batch in programs.recorded(recording) for row in testing.lifecycles_of(batch)}
    for number, lifecycle in sorted(lifecycles.items()):
        is_runner = lifecycle.resource.startswith("asyncio.runners.Runner")
        depths[number] = depths[lifecycle.parent] + (not is_runner)
        kind, _, name = lifecycle.resource.partition(" ")
        error = (lifecycle.body_exception or lifecycle.exception).partition(":")[0].rpartition(".")[2]
        if not is_runner:
            lines.append(f"{'  ' * depths[number]}{kind.rpartition('.')[2]} {name} {error or 'ok'}")
    return lines


def without_times(text: str) -> str:
    return re.sub(r"in [0-9.]+s|0x[0-9a-f]+|oldfd=\d+", "", text)


@pytest.mark.parametrize(
    ("files", "arguments", "expected"),
    [
        (PYTEST_FILES, PYTEST, PYTEST_TREE),
        (UNITTEST_FILES, ["-m", "unittest", "-v", "test_case"], UNITTEST_TREE),
    ],
    ids=["pytest", "unittest"],
)
def test_tests_are_roots_with_their_outcomes(tmp_path, files, arguments, expected) -> None:
    """Setup, call and teardown are one lifecycle; what the test holds is below it; nothing of the output changes."""
    programs.write(tmp_path, **files)
    plain = programs.python(tmp_path, *arguments)
    done = programs.tenure(tmp_path, "run", "-o", "x.json", *arguments)
    assert done.status == plain.status == 1
    assert without_times(done.stdout) == without_times(plain.stdout)
    assert without_times(done.stderr) == without_times(plain.stderr)
    held = [line.replace(" #1", "") for line in tree(tmp_path / "x.json")]  # known from the second one on
    assert held == expected


def test_the_full_traceback_has_no_frame_of_tenures(tmp_path) -> None:
    """Also where pytest hides nothing, and where the whole run is stopped."""
    programs.write(
        tmp_path,
        test_own="""
            import pytest
            def test_wrong(): assert 0
            @pytest.fixture
            def broken(): yield 1 / 0
            def test_broken(broken): pass
            def test_stop(): pytest.exit("enough")
        """,
    )
    arguments = [*PYTEST, "--full-trace", "--tb=native"]
    plain = programs.python(tmp_path, *arguments)
    done = programs.tenure(tmp_path, "run", "-o", "x.json", *arguments)
    assert without_times(done.stdout) == without_times(plain.stdout)
    assert done.status == plain.status
    assert tree(tmp_path / "x.json") == [
        "Test test_own.py::test_wrong AssertionError",
        "Test test_own.py::test_broken ZeroDivisionError",
        "  Fixture broken ZeroDivisionError",
        "Test test_own.py::test_stop Exit",
    ]


def test_a_recorder_within_a_test_has_nothing_of_the_runner(recorder, request) -> None:
    """Fixtures that are set up while a recorder records are not the program's."""
    assert request.getfixturevalue("late") == 1
    assert recorder.lines() == []


@pytest.fixture
def late():
    return 1
