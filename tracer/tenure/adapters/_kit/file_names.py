"""The name of a file that a program opens, without its folder, asked of no code of the program's."""

from __future__ import annotations

import os
from pathlib import PosixPath, PurePath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import cast

from tenure._core.object_access import exact

_PATHS: tuple[type[PurePath], ...] = PosixPath, WindowsPath, PurePosixPath, PureWindowsPath


def name_of(file: object) -> str | None:
    """The last part of a path; None where it is no path, or where the program's own code would have to say which."""
    kind = type(file)
    if issubclass(kind, bytes):
        text = os.fsdecode(bytes.__add__(cast("bytes", file), b""))
    elif issubclass(kind, str):
        text = exact(file)
    elif any(kind is path for path in _PATHS):
        text = os.fspath(cast("PurePath", file))
    else:
        return None
    return os.path.basename(text)  # noqa: PTH119  # ":memory:" is no path
