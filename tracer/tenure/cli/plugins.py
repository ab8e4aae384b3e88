"""Finds a command by its name.

Packages add commands by the entry-point group ``tenure.commands``; ``tenure-server`` adds serve and export.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import cast

from tenure._core.installation import COMMANDS
from tenure.errors import UsageError

Command = Callable[[list[str]], int]

SERVER_COMMANDS = ("serve", "export")


def find(name: str) -> Command:
    """Return the command of this name.

    Raises:
        UsageError: there is no such command, or its package is not installed.
    """
    if name == "run":
        from tenure.cli import run  # noqa: PLC0415  # each command loads only its own imports

        return run.main
    if name == "doctor":
        from tenure.cli import doctor  # noqa: PLC0415

        return doctor.main
    for point in entry_points(group=COMMANDS, name=name):
        try:
            return cast("Command", point.load())
        except ModuleNotFoundError as error:
            if not point.module.startswith(error.name or point.module):
                raise
            raise UsageError(
                f"`tenure {name}` belongs to another version: module {error.name} does not exist"
                " (reinstall both: pip install --upgrade tenure tenure-server; in a checkout: make setup)"
            ) from None
    if name in SERVER_COMMANDS:
        raise UsageError(f"`tenure {name}` needs the server, which is not installed (pip install 'tenure[server]')")
    known = ", ".join(["run", "doctor", *sorted({point.name for point in entry_points(group=COMMANDS)})])
    raise UsageError(f"unknown command {name!r} (expected one of: {known})")
