"""celery: each run of a task is a lifecycle of the task's name; a retry is an error of the run that asks for it.

celery's own signals say when a task begins and ends. What a receiver raises is logged by celery, so each has a guard.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from tenure._core import faults
from tenure._core.object_access import exact, library_attribute, of_class
from tenure._identify import tracer
from tenure._patching import class_patches
from tenure.adapters._kit import handler_sites, work_units
from tenure.adapters._kit.work_units import Record, Unit

_UID = "tenure"  # by which celery knows the receivers


class _Runs:
    """The tasks that run, by id of the request."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}


def install(signals: ModuleType) -> None:
    """Receive celery's signals."""
    work_units.register()
    receivers: list[tuple[str, Callable[..., None]]] = [
        ("task_prerun", _begin),
        ("task_failure", _failed),
        ("task_retry", _retried),
        ("task_postrun", _ended),
    ]
    for name, receiver in receivers:
        signal = getattr(signals, name)
        signal.connect(_guarded(receiver), weak=False, dispatch_uid=f"{_UID}.{name}")
        class_patches.at_undo(_disconnecting(signal, name))


def _disconnecting(signal: object, name: str) -> Callable[[], None]:
    def disconnect() -> None:
        signal.disconnect(dispatch_uid=f"{_UID}.{name}")  # type: ignore[attr-defined]

    return disconnect


def _guarded(receiver: Callable[..., None]) -> Callable[..., None]:
    def receive(sender: object = None, **details: object) -> None:
        try:
            receiver(sender, details)
        except Exception as error:  # noqa: BLE001  # never into the program
            faults.fault("recording a task of celery", error)

    return receive


def _begin(task: object, details: dict[str, object]) -> None:
    name = exact(library_attribute(task, "name", "celery")) or exact(of_class(type(task), "name"))
    record = work_units.begin(Unit("celery.Task", name), handler_sites.of_callable(of_class(type(task), "run")))
    if record is not None:
        tracer.current.of(_Runs).records[exact(details.get("task_id"))] = record


def _failed(_: object, details: dict[str, object]) -> None:
    _end(details.get("task_id"), details.get("exception"))


def _retried(_: object, details: dict[str, object]) -> None:
    request = details.get("request")
    _end(library_attribute(request, "id", "celery"), details.get("reason"))


def _ended(_: object, details: dict[str, object]) -> None:
    _end(details.get("task_id"), None)


def _end(task_id: object, error: object) -> None:
    record = tracer.current.of(_Runs).records.pop(exact(task_id), None)
    if record is not None:
        work_units.end(record, work_units.exception_of(error))
