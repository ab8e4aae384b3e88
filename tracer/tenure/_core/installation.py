"""What is installed: the version of this distribution, and the commands that other packages bring."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, entry_points, version

COMMANDS = "tenure.commands"  # the entry-point group by which a package adds a command


def installed_version() -> str:
    """The version that is installed, "0" in a source tree that is not installed."""
    try:
        return version("tenure")
    except PackageNotFoundError:
        return "0"


def has_command(name: str) -> bool:
    """Whether a package brought this command: `serve` and `export` come with the server."""
    return bool(entry_points(group=COMMANDS, name=name))
