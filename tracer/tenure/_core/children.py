"""The processes that the program starts: whether there are any, and which Python ones are not recorded and why.

A child is noted in the program's thread, at the cost of an append; the shipping thread looks at the files.
"""

from __future__ import annotations

import os
import re
import sys
from collections import deque
from pathlib import Path
from typing import NamedTuple

STARTUP_FILE = "tenure.pth"
_PYTHON = r"(?i:(python|pypy)[\d.]*t?(\.exe)?)"
_VALUED = {"-W", "-X", "-c", "-m"}


class Child(NamedTuple):
    """A command that the program started. ``environment``: None where the child inherits the program's."""

    command: tuple[str, ...]
    executable: str | None
    environment: dict[str, str] | None
    pid: int


class UnrecordedChild(NamedTuple):
    """A Python that is not recorded, and why."""

    child: Child
    reason: str


class Children:
    """The children of this process."""

    def __init__(self) -> None:
        self.any = False
        self.noted: deque[Child] = deque(maxlen=100)
        self.known_unrecorded: deque[UnrecordedChild] = deque(maxlen=100)

    def note(self, child: Child | None = None) -> None:
        """Note that one was started; None: it is a Python with this process's environment, so it is recorded."""
        self.any = True
        if child is not None:
            self.noted.append(child)

    def clear(self) -> None:
        """Forget all of them: a forked process has none."""
        self.any = False
        self.noted.clear()
        self.known_unrecorded.clear()

    def unrecorded(self) -> list[str]:
        """Why each of the Pythons that were noted since the last call is not recorded, with what to do."""
        reasons = []
        while self.noted:
            child = self.noted.popleft()
            reason = why_unrecorded(child)
            if reason is not None:
                reasons.append(reason)
                self.known_unrecorded.append(UnrecordedChild(child, reason))
        return reasons


children = Children()


def why_unrecorded(child: Child) -> str | None:
    """Why a child that is a Python is not recorded; None if it is, if it is not a Python, or if that is unknown."""
    word = child.executable or (child.command[0] if child.command else "")
    if not re.fullmatch(_PYTHON, Path(word).name):
        return None
    import shutil  # noqa: PLC0415  # few programs start a Python

    environment = os.environ if child.environment is None else child.environment
    path = word if os.sep in word else shutil.which(word, path=environment.get("PATH"))
    if path is None:
        return None
    if not environment.get("TENURE_RECORD"):
        return (
            f"{path} was started with an environment without TENURE_RECORD, so it is not recorded"
            " (pass the TENURE_* variables on)"
        )
    if _has_no_site(child.command[1:]):
        return f"{path} was started with -S, so it is not recorded (Python then reads no start-up files)"
    return _why_not_installed(path)


def _why_not_installed(path: str) -> str | None:
    """Why this interpreter cannot record; None if it can, or if its files do not show it."""
    directories = _package_directories(path)
    if not directories or any((directory / STARTUP_FILE).exists() for directory in directories):
        return None
    if all(_is_too_old(directory) for directory in directories):
        return f"{path} is not recorded: Tenure needs Python 3.11 or newer"
    return f"{path} has no Tenure, so it is not recorded ({path} -m pip install tenure)"


def _has_no_site(arguments: tuple[str, ...]) -> bool:
    """Whether the interpreter's own options have ``-S``."""
    index = 0
    while index < len(arguments):
        word = arguments[index]
        if not word.startswith("-") or word in {"-", "-c", "-m"}:
            return False
        if not word.startswith("--") and re.match(r"-[a-zA-Z]*S", word.partition("W")[0].partition("X")[0]):
            return True
        index += 2 if word in _VALUED else 1
    return False


def _package_directories(path: str) -> list[Path]:
    """Where this interpreter looks for installed packages; [] where its files do not show it."""
    if _is_this_python(path):
        return [Path(entry) for entry in sys.path if Path(entry).name in {"site-packages", "dist-packages"}]
    prefixes = [Path(path).parent.parent]
    configuration = prefixes[0] / "pyvenv.cfg"
    if not configuration.exists():
        prefixes = [Path(path).resolve().parent.parent]
    else:
        settings = dict(re.findall(r"^(\S+)\s*=\s*(.+?)\s*$", configuration.read_text(errors="replace"), re.MULTILINE))
        if settings.get("include-system-site-packages", "").lower() == "true" and "home" in settings:
            prefixes.append(Path(settings["home"]).parent)
    patterns = ["lib/python[23]*/site-packages", "lib/python[23]*/dist-packages", "Lib/site-packages"]
    patterns += ["local/lib/python[23]*/dist-packages"]
    return [directory for prefix in prefixes for pattern in patterns for directory in sorted(prefix.glob(pattern))]


def _is_too_old(directory: Path) -> bool:
    """Whether the packages of this directory are for a Python that is not supported, as far as its name says that."""
    version = re.fullmatch(r"python(\d)\.(\d+)t?", directory.parent.name)
    return version is not None and (int(version[1]), int(version[2])) < (3, 11)


def _is_this_python(path: str) -> bool:
    """Whether this file is the interpreter that runs, in its environment."""
    return Path(path).absolute() == Path(sys.executable).absolute()
