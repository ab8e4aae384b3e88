"""What is installed: the version of this distribution, and the commands that other packages bring."""

from __future__ import annotations

COMMANDS = "tenure.commands"  # the entry-point group by which a package adds a command


def installed_version() -> str:
    """The version that is installed, "0" in a source tree that is not installed."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415  # it takes 4 ms to import

    try:
        return version("tenure")
    except PackageNotFoundError:
        return "0"


def has_command(name: str) -> bool:
    """Whether a package brought this command: `serve` and `export` come with the server."""
    from importlib.metadata import entry_points  # noqa: PLC0415  # as above

    return bool(entry_points(group=COMMANDS, name=name))
