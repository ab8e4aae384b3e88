"""Units of work that a library runs: a job, a message, a tool call, a test. Each is one lifecycle, acquired at once.

Its name is that of the function that does the work, never made from its arguments. What is held while it runs is below
it; where it runs in a thread outside any task, so are the tasks that the thread creates meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, cast

from tenure import _probe_api as probe
from tenure._core.wrapping import Method
from tenure._identify import resources, tasks, tracer
from tenure._identify.resources import Description
from tenure._patching.bodies import awaited, immediate

Record = probe.Record
Ordinary = Callable[[BaseException], bool]  # whether an exception is an ordinary end


def exception_of(value: object) -> BaseException | None:
    """The value if it is an exception, as a library keeps it in an attribute; else None."""
    return value if issubclass(type(value), BaseException) else None  # type: ignore[return-value]  # by its class


class Unit(NamedTuple):
    """What is described: the kind and the name of the resource, and the names of the calls."""

    kind: str
    name: str
    enter: str = "begin"
    exit: str = "end"


def register() -> None:
    """Describe units of work; every adapter that begins one does so first."""
    resources.register(Unit, _describe)


def begin(unit: Unit, site: str, *, is_root: bool = False) -> Record | None:
    """Begin a unit of work of the running task or thread; None: nothing is recorded.

    ``is_root``: it begins a trace, whatever is held around it.
    """
    if is_root:
        tracer.current.root_sites.add(site)
    record = probe.enter(unit, site)
    if record is not None:
        probe.acquired(record)
        tasks.begin_unit()
    return record


def end(record: Record, error: BaseException | None) -> None:
    """End it with this exception, or without one."""
    tasks.end_unit()
    probe.leaving(record, error)
    probe.released(record, False)


def wrap(
    original: Method,
    where: str,
    describe: Callable[[object, tuple[object, ...], dict[str, object]], tuple[Unit, str] | None],
    *,
    is_ordinary: Ordinary | None = None,
    sync: bool = False,
) -> Method:
    """Return what stands in the place of a method that runs a unit of work.

    ``describe(owner, arguments, named)`` gives the unit and its site, or None: this call is not recorded.
    """

    def before(owner: object, arguments: tuple[object, ...], named: dict[str, object]) -> Record | None:
        described = describe(owner, arguments, named)
        return None if described is None else begin(*described)

    def after(record: object, _: object) -> None:
        end(cast("Record", record), None)

    def failed(record: object, error: BaseException) -> None:
        end(cast("Record", record), None if is_ordinary is not None and is_ordinary(error) else error)

    body = immediate.method if sync else awaited.method
    return body(original, where, before=before, after=after, failed=failed)


def _describe(unit: object, _: str) -> Description:
    kind, name, enter, leave = cast("Unit", unit)
    return Description(kind, None, name, enter=enter, exit=leave)
