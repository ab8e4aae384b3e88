"""The processes that the program starts by ``subprocess`` and ``multiprocessing``: noted, and started unchanged."""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any

from tenure._core.children import Child, children
from tenure._core.object_access import attribute
from tenure._patching import class_patches
from tenure._patching.bodies import immediate

_NOTING = "noting a child process"  # said where it fails
_State = tuple[object, tuple[Any, ...], dict[str, Any]]  # the Popen, and the arguments that it was made with


def install(module: ModuleType) -> None:
    """Patch ``subprocess.Popen``, or what ``multiprocessing`` starts its children with."""
    if module.__name__ == "subprocess":
        init = module.Popen.__init__
        class_patches.replace(module.Popen, "__init__", immediate.method(init, _NOTING, before=_starting, after=_note))
    else:
        spawn = module.spawnv_passfds
        class_patches.replace(module, "spawnv_passfds", immediate.function(spawn, _NOTING, after=_spawned))


def _starting(popen: object, arguments: tuple[Any, ...], named: dict[str, Any]) -> _State:
    return popen, arguments, named


def _spawned(*_: object) -> None:
    """Note a Python that is started with this process's environment."""
    children.note()


def _note(state: _State, _: object) -> None:
    """Note a child by plain strings; no object of the program is kept."""
    popen, arguments, named = state
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
