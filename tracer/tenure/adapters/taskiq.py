"""taskiq: each run of a task is a lifecycle of the task's name; what it raised is its outcome, also before a retry."""

from __future__ import annotations

from types import ModuleType

from tenure._core.object_access import attribute, exact
from tenure._identify import libraries
from tenure._patching import class_patches
from tenure._patching.bodies import awaited
from tenure.adapters._kit import handler_sites, work_units
from tenure.adapters._kit.work_units import Record, Unit

_RUNNING = "recording a task of taskiq"  # said where it fails


def install(receiver: ModuleType) -> None:
    """Patch Receiver."""
    work_units.register()
    libraries.know("taskiq.receiver.receiver", "taskiq.cli.worker.run")
    kind = receiver.Receiver
    run = awaited.method(kind.run_task, _RUNNING, before=_begin, after=_ended, failed=work_units.end)
    class_patches.replace(kind, "run_task", run)


def _begin(_: object, arguments: tuple[object, ...], named: dict[str, object]) -> Record | None:
    target = arguments[0] if arguments else named.get("target")
    message = arguments[1] if len(arguments) > 1 else named.get("message")
    return work_units.begin(
        Unit("taskiq.Task", exact(attribute(message, "task_name"))), handler_sites.of_callable(target)
    )


def _ended(record: Record, result: object) -> None:
    work_units.end(record, work_units.exception_of(attribute(result, "error")))
