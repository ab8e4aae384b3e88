"""arq: each run of a job is a lifecycle of its function's name, in the task that arq makes for it."""

from __future__ import annotations

from types import ModuleType
from typing import cast

from tenure._core.object_access import attribute, exact
from tenure._core.wrapping import Method
from tenure._identify import libraries
from tenure._patching import class_patches
from tenure._patching.bodies import awaited
from tenure.adapters._kit import after_init, handler_sites, work_units
from tenure.adapters._kit.work_units import Record, Unit

_RUNNING = "recording a job of arq"  # said where it fails


def install(worker: ModuleType) -> None:
    """Patch Worker: the functions of its jobs are wrapped once it has them all."""
    work_units.register()
    libraries.know("arq")
    after_init.note(worker.Worker, _wrap_functions)


def _wrap_functions(worker: object, *_: object, **__: object) -> None:
    functions = attribute(worker, "functions")
    if type(functions) is dict:
        for name, function in functions.items():
            run = attribute(function, "coroutine")
            if callable(run):
                class_patches.replace(function, "coroutine", _recording(run, exact(name)))


def _recording(run: Method, name: str) -> Method:
    unit, site = Unit("arq.Job", name), handler_sites.of_callable(run)

    def begin(*_: object) -> Record | None:
        return work_units.begin(unit, site)

    def ended(record: object, *_: object) -> None:
        work_units.end(cast("Record", record), None)

    return awaited.function(run, _RUNNING, before=begin, after=ended, failed=work_units.end)
