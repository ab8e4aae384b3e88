import asyncio
import inspect
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from tests.support.waiting import until
from tests.tracer.support import coroutine_driver, servers

from tenure import testing
from tenure._core import probe_backend
from tenure._patching import class_patches
from tenure._rewriting import rewriter
from tenure.wire import Resource, Site, Task, Trace

collect_ignore_glob = [] if probe_backend.SERVES else ["probe/test_native_*.py"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "native_probe: what the Python probe does not promise; no test of its run")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A run with the Python probe has no tests of what only the native one sees."""
    if probe_backend.SERVES:
        return
    others = [item for item in items if item.get_closest_marker("native_probe")]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in others]


class Recorder:
    """Runs coroutines while everything is recorded; each lifecycle is one line.

    It joins the batches of ``tenure.testing``. Everything is listed in the order of the acquires.
    """

    def __init__(self) -> None:
        self._recording = ExitStack()
        self._recorder = self._recording.enter_context(testing.recorder())
        self._lifecycles: dict[int, testing.Lifecycle] = {}
        self._resources: dict[int, Resource] = {}
        self._sites: dict[int, Site] = {}
        self._tasks: dict[int, Task] = {}
        self._traces: dict[int, Trace] = {}
        self._left_out: set[str] = set()

    def stop(self) -> None:
        """Everything is as if it had never been recorded."""
        self._recording.close()

    def leave_out(self, *constructors: str) -> None:
        """Do not list what these constructors opened; tests/tracer/adapters/test_made_by_hand.py is about that."""
        self._left_out.update(constructors)

    def list_all(self) -> None:
        """List them after all."""
        self._left_out.clear()

    def run(self, main: Coroutine[Any, Any, Any]) -> list[str]:
        """Run it in a loop of its own; every lifecycle as ``line``."""
        asyncio.run(main)
        return self.lines()

    def lifecycles(self) -> list[testing.Lifecycle]:
        for batch in self._recorder.batches():
            self._tasks |= {task.id: task for task in batch.tasks}
            for row, lifecycle in zip(batch.rows, testing.lifecycles_of(batch), strict=True):
                self._lifecycles[row.id] = lifecycle
                self._resources[row.id] = batch.resources[row.resource]
                self._sites[row.id] = batch.sites[row.site]
                self._traces[row.id] = batch.traces[row.trace]
        listed = [number for number, site in self._sites.items() if site.enter not in self._left_out]
        return [self._lifecycles[number] for number in sorted(listed)]

    def lines(self) -> list[str]:
        return [line(lifecycle) for lifecycle in self.lifecycles()]

    async def until(self, expected: list[str], select: Callable[[list[str]], list[str]] = list[str]) -> list[str]:
        """The selected lines once they are these, within ten seconds; else as they are then."""
        with suppress(TimeoutError):
            await until(lambda: select(self.lines()) == expected)
        return select(self.lines())

    def resources(self) -> list[Resource]:
        return [self._resources[lifecycle.id] for lifecycle in self.lifecycles()]

    def sites(self) -> list[Site]:
        return [self._sites[lifecycle.id] for lifecycle in self.lifecycles()]

    def traces(self) -> list[Trace]:
        return [self._traces[lifecycle.id] for lifecycle in self.lifecycles()]

    def tasks(self) -> list[Task]:
        """The tasks that held something and ended, or that made such a task, in the order of their ends."""
        self.lifecycles()
        ended = [task for task in self._tasks.values() if task.finished_ns is not None]
        return sorted(ended, key=lambda task: task.finished_ns or 0)

    def tree(self) -> list[str]:
        """Every lifecycle as "task: kind name", two blanks deeper than its parent; a root begins a trace."""
        depths: dict[int, int] = {0: -1}
        lines = []
        for lifecycle, resource in zip(self.lifecycles(), self.resources(), strict=True):
            depth = depths[lifecycle.id] = depths[lifecycle.parent] + 1
            title = f"{resource.kind.rpartition('.')[2]} {resource.name}".rstrip()
            lines.append(f"{'  ' * depth}{lifecycle.task}: {title}")
        return lines


def line(lifecycle: testing.Lifecycle) -> str:
    """Who held what and how it went, "main: asyncio.locks.Lock stock (1), ok ok ok".

    After the task and the resource with its capacity come the outcomes of acquire, body and release. A failure is told
    with its exception's type; "goes on" says that the release let the body's exception go on, "suppressed" that it did
    not, "?" that a phase has not ended.
    """
    capacity = f" ({lifecycle.capacity})" if lifecycle.capacity else ""
    return f"{lifecycle.task}: {lifecycle.resource}{capacity}, {' '.join(_outcomes(lifecycle))}"


def _outcomes(lifecycle: testing.Lifecycle) -> Iterator[str]:
    acquire, body, release, *suppressed = lifecycle.outcomes.split()
    for outcome, exception in ((acquire, lifecycle.exception), (body, lifecycle.body_exception)):
        yield _outcome(outcome, exception)
        if outcome == "-" or (outcome == acquire != "ok"):
            return
    if suppressed:
        yield "suppressed"
    elif body != "ok" and release == "ok":
        yield "goes on"
    else:
        yield _outcome(release, lifecycle.exception)


def _outcome(outcome: str, exception: str) -> str:
    if outcome in {"error", "cancelled"}:
        return f"{outcome}({exception.partition(':')[0].rpartition('.')[2]})"
    return "?" if outcome == "-" else outcome


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """Everything is recorded from here on, by every adapter, with a fixed clock."""
    recorder = Recorder()
    yield recorder
    recorder.stop()


@pytest.fixture
def patched() -> Iterator[testing.Recorder]:
    """``coroutine_driver.Connection`` is patched; the recorder has its lifecycles."""
    with testing.recorder() as recorder:
        class_patches.patch_manager(coroutine_driver.Connection)
        yield recorder


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a database "shop" in a PostgreSQL of this test run: "//postgres@127.0.0.1:5432/shop"."""
    with servers.postgres() as address:
        yield address


@pytest.fixture(params=["rewritten", "as it is"])
def written(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """A function of a test module, once as the import hook would have it and once as it is."""
    return _rewritten if request.param == "rewritten" else lambda function: function


@pytest.fixture
def rewritten() -> Callable[..., Any]:
    """A function of a test module, as the import hook would have it."""
    return _rewritten


def _rewritten(function: Callable[..., Any]) -> Callable[..., Any]:
    source, start = inspect.getsource(function), function.__code__.co_firstlineno
    code = rewriter.rewrite(("\n" * (start - 1) + source).encode(), function.__code__.co_filename)
    names = dict(function.__globals__)
    exec(code, names)
    changed: Callable[..., Any] = names[function.__name__]
    return changed
