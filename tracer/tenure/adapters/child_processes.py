"""The processes that the program starts by ``subprocess`` and ``multiprocessing``: noted, and started unchanged."""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any

from tenure._core import faults
from tenure._core.children import Child, children
from tenure._core.object_access import attribute
from tenure._patching import class_patches


def install(module: ModuleType) -> None:
    """Patch ``subprocess.Popen``, or what ``multiprocessing`` starts its children with."""
    if module.__name__ == "subprocess":
        class_patches.replace(module.Popen, "__init__", _starting(module.Popen.__init__))
    else:
        class_patches.replace(module, "spawnv_passfds", _spawning(module.spawnv_passfds))


def _starting(original: class_patches.Method) -> class_patches.Method:
    @class_patches.mark_as_wrapper(original)
    def starting(popen: object, *arguments: Any, **named: Any) -> None:
        try:
            original(popen, *arguments, **named)
        except BaseException as error:
            class_patches.strip_frame(error, starting.__code__)
            del popen, arguments, named
            raise
        try:
            _note(popen, arguments, named)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault("noting a child process", fault)

    return starting


def _spawning(original: class_patches.Method) -> class_patches.Method:
    @class_patches.mark_as_wrapper(original)
    def spawning(*arguments: object) -> object:
        children.note()
        return original(*arguments)

    return spawning


def _note(popen: object, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
    """Note a child by plain strings; no object of the program is kept."""
    names = (
        "args",
        "bufsize",
        "executable",
        "stdin",
        "stdout",
        "stderr",
        "preexec_fn",
        "close_fds",
        "shell",
        "cwd",
        "env",
    )
    parameters = dict(zip(names, arguments, strict=False)) | named
    command = parameters["args"]
    if type(command) is str:
        command = command.split() if parameters.get("shell") else [command]
    words = tuple(os.fsdecode(word) for word in command if type(word) in {str, bytes} or isinstance(word, os.PathLike))
    environment = parameters.get("env")
    if environment is not None:
        known = ("PATH", "TENURE_RECORD")
        environment = {name: environment[name] for name in known if name in environment}
    executable = parameters.get("executable")
    pid = attribute(popen, "pid")
    children.note(
        Child(
            words,
            None if executable is None else os.fsdecode(executable),
            environment,
            pid if type(pid) is int else 0,
        )
    )
