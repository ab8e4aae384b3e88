import asyncio
import inspect
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from tenure import adapters, buffer, identity, probe, rewriting, tasks, wire
from tenure.failures import Failure
from tenure.ledger import Ledger
from tenure.wire import OUTCOMES


class Recorder:
    """Runs coroutines while everything is recorded, and says in one line each what was."""

    def __init__(self) -> None:
        _forget()
        rewriting.provide_helpers()
        adapters.install()
        probe.start()

    def stop(self) -> None:
        """Everything is as if it had never been recorded."""
        probe.stop()
        adapters.uninstall()

    def run(self, main: Coroutine[Any, Any, Any]) -> list[str]:
        """Run it in a loop of its own; the lifecycles in the order of their acquire, see ``line``."""
        asyncio.run(main)
        return self.lines()

    def lines(self) -> list[str]:
        return [line(entry) for entry in buffer.pending if isinstance(entry, list)]

    def records(self) -> list[list[Any]]:
        return [entry for entry in buffer.pending if isinstance(entry, list)]

    def tree(self) -> list[str]:
        """Every lifecycle as "task: kind name", two blanks deeper than its parent; a root begins a trace."""
        ledger = Ledger(wire.Process(bytes(16), "", "", 1, "", 0))
        ledger.note(buffer.pending)
        depths: dict[int, int] = {}
        lines = []
        for batch in ledger.batches(0, {}):
            for row in batch.rows:
                depths[row.id] = depths[row.parent] + 1 if row.parent else 0
                resource = batch.resources[row.resource]
                title = " ".join(filter(None, (resource.kind.rpartition(".")[2], resource.name)))
                lines.append(f"{'  ' * depths[row.id]}{batch.tasks[row.task].name}: {title}")
        return lines

    def resources(self) -> list[identity.Resource]:
        """The resource of each lifecycle."""
        return [identity.table[record[probe.RESOURCE]] for record in self.records()]

    def tasks(self) -> list[tasks.Task]:
        """Every task that ended, in the order of their ends."""
        return [entry.task for entry in buffer.pending if isinstance(entry, tasks.Ended)]


def line(record: list[Any]) -> str:
    """Who held what and how it went, "main: asyncio.locks.Lock stock (1), ok ok ok".

    After the task and the resource with its capacity come the outcomes of acquire, body and release. A failure is told
    with its exception's type; "goes on" says that the release let the body's exception go on, "suppressed" that it did
    not, "?" that a phase has not ended.
    """
    resource = identity.table[record[probe.RESOURCE]]
    title = " ".join(filter(None, (resource.kind, resource.name)))
    title += f" ({resource.capacity})" if resource.capacity else ""
    return f"{tasks.table[record[probe.TASK]].name}: {title}, {' '.join(_outcomes(record))}"


def _outcomes(record: list[Any]) -> Iterator[str]:
    body, raised = record[probe.BODY], record[probe.RAISED]
    if not record[probe.ACQUIRED]:
        yield _failure(raised) if isinstance(raised, Failure) else "?"
        return
    yield "ok"
    if not record[probe.RELEASE]:
        yield "?"
        return
    yield _failure(body) if body else "ok"
    if not record[probe.RELEASED]:
        yield "?"
    elif isinstance(raised, Failure):
        yield _failure(raised)
    elif body is None:
        yield "ok"
    else:
        yield "goes on" if raised == probe.WENT_ON else "suppressed"


def _failure(failure: Failure) -> str:
    return f"{OUTCOMES[failure.outcome]}({failure.type.rpartition('.')[2]})"


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """Everything is recorded from here on, by every adapter."""
    recorder = Recorder()
    yield recorder
    recorder.stop()
    _forget()


def _forget() -> None:
    buffer.pending.clear()
    buffer.dropped.clear()
    tasks.forget_all()


@pytest.fixture(params=["rewritten", "as it is"])
def written(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """A function of a test module, once as the import hook would have it and once as it is."""

    def form(function: Callable[..., Any]) -> Callable[..., Any]:
        return _rewritten(function) if request.param == "rewritten" else function

    return form


@pytest.fixture
def rewritten() -> Callable[..., Any]:
    """A function of a test module, as the import hook would have it."""
    return _rewritten


def _rewritten(function: Callable[..., Any]) -> Callable[..., Any]:
    source, start = inspect.getsource(function), function.__code__.co_firstlineno
    code = rewriting.rewrite(("\n" * (start - 1) + source).encode(), function.__code__.co_filename)
    names = dict(function.__globals__)
    exec(code, names)
    changed: Callable[..., Any] = names[function.__name__]
    return changed
