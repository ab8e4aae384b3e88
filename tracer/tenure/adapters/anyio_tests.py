"""anyio's pytest plugin: one task runs all tests and fixtures of a module, each for the test that calls the runner."""

from __future__ import annotations

from types import ModuleType

from tenure._core.object_access import attribute
from tenure._identify import adoption
from tenure._patching import class_patches
from tenure._patching.bodies import awaited


def install(backend: ModuleType) -> None:
    """Patch the runner of tests."""
    runner = backend.TestRunner
    call = runner._call_in_runner_task  # noqa: SLF001  # there is no public entry
    wrapper = awaited.method(call, "noting who runs a test in anyio's task", before=_adopt)
    class_patches.replace(runner, "_call_in_runner_task", wrapper)


def _adopt(runner: object, _: object, __: object) -> None:
    adoption.adopt(attribute(runner, "_runner_task"))
