"""A command on PATH, run with its children recorded: ``tenure run uvicorn app:app --workers 3``.

A console script of this Python is run in this process, like any script. Any other command is a child of this process,
which passes signals on to it and ends as it ends; the Python processes among it and its children record themselves,
because the environment says so.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tenure.errors import UsageError

_SOURCE_SUFFIXES = {".py", ".pyw", ".pyz", ".zip"}
_FORWARDED = [
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGWINCH") if hasattr(signal, name)
]


def script_of(word: str) -> str | None:
    """The path of the script that this word names and that this Python can run itself; None for another command.

    Raises:
        UsageError: there is no such file and no such command.
    """
    looks_like_path = os.sep in word or Path(word).suffix in _SOURCE_SUFFIXES
    if looks_like_path or (os.path.exists(word) and not shutil.which(word)):  # noqa: PTH110  # a loop of links is False
        return word if not os.path.exists(word) or _is_for_this_python(word) else None  # noqa: PTH110
    path = shutil.which(word)
    if path is None:  # the environment's own commands, where it is used without being activated
        path = shutil.which(word, path=os.path.dirname(sys.executable))  # noqa: PTH120
    if path is None:
        raise UsageError(
            f"no file and no command named {word!r} (expected a script, a directory, a zip file, -m MODULE, -c CODE,"
            " or a command on PATH)"
        )
    return path if _is_console_script(path) else None


def for_this_python(words: Sequence[str]) -> list[str] | None:
    """The words with the path of the script that this Python runs; None for another command.

    Raises:
        UsageError: there is no such file and no such command.
    """
    script = script_of(words[0])
    return None if script is None else [script, *words[1:]]


def run_child(command: Sequence[str]) -> int:
    """Run the command as a child, wait for it, and return its status: an exit code, or the negated number of a signal.

    Raises:
        UsageError: it cannot be executed.
    """
    try:
        child = subprocess.Popen(command)  # noqa: S603  # what the user typed
    except OSError as error:
        raise UsageError(f"cannot execute {command[0]}: {error.strerror}") from None
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to the child too
    for number in _FORWARDED:
        with suppress(OSError, ValueError):
            signal.signal(number, lambda received, _: child.send_signal(received))
    return child.wait()


def end_with(status: int) -> int:
    """The exit code for a child's status; a signal that ended the child ends this process too."""
    if status >= 0:
        return status
    number = signal.Signals(-status)
    with suppress(OSError, ValueError):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number


def _is_for_this_python(path: str) -> bool:
    """Whether a file is a program for this Python: by its suffix, or as a text that names no other interpreter."""
    if Path(path).is_dir() or Path(path).suffix in _SOURCE_SUFFIXES:
        return True
    interpreter = _interpreter_of(path)
    return not _is_binary(path) if interpreter is None else _is_console_script(path)


def _is_console_script(path: str) -> bool:
    """Whether a command is a script whose first line names this Python."""
    if Path(path).stem == "tenure":
        return False  # a tree within this one, with a recording of its own
    interpreter = _interpreter_of(path)
    return interpreter is not None and _is_this_python(interpreter)


def _interpreter_of(path: str) -> str | None:
    """The interpreter in a script's first line; "" for one with arguments, None where there is no such line."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            line = file.readline(1_000)
            if line.rstrip() == b"#!/bin/sh":  # pip's way around a path that is long or has spaces
                second = file.readline(4_000).decode("utf-8", "replace")
                if second.startswith("'''exec' "):
                    return second.removeprefix("'''exec' ").split('"$0"')[0].strip().strip('"')
    except OSError:
        return None
    if not line.startswith(b"#!"):
        return None
    words = line[2:].decode("utf-8", "replace").split()
    return words[0] if len(words) == 1 else ""


def _is_this_python(interpreter: str) -> bool:
    """Whether this file starts this Python with this environment."""
    if not interpreter:
        return False
    with suppress(OSError):
        return (
            Path(interpreter).parent.resolve() == Path(sys.executable).parent.resolve()
            and Path(interpreter).resolve() == Path(sys.executable).resolve()
        )
    return False


def _is_binary(path: str) -> bool:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return b"\0" in file.read(1_000)
    except OSError:
        return False  # running it fails with the same error
