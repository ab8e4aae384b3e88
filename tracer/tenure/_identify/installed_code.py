"""Which code is installed: a library's or Python's own, by where its file lies, and not what the program includes.

No file is touched: the program waits for the answer.
"""

from __future__ import annotations

import os
from types import CodeType, FrameType
from typing import NamedTuple

from tenure._core.object_access import exact

_PACKAGES = f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}"
_STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120  # as code has it in its file name


class FrameKind(NamedTuple):
    """What kind of code a frame runs; see ``frame_kinds``.

    The code is kept, so that no other one gets its address. ``module``: the name that its globals have.
    """

    code: CodeType
    module: object
    package: str  # the known library that it belongs to, else ""
    is_wrapper: bool  # it wraps a call that it makes for its caller
    is_between: bool  # a wrapper's, Tenure's, asyncio's or contextlib's
    is_outermost: bool  # it only runs what the maker of a task gave to it
    is_installed: bool
    runs_loop: bool


class InstalledCode:
    """What one recording knows of files: ``included`` are the packages that the program takes for its own."""

    def __init__(self) -> None:
        self.included: tuple[str, ...] = ()
        self._files: dict[str, bool] = {}

    def has_frame(self, frame: FrameType) -> bool:
        """Whether the frame runs installed code."""
        return self.has_code(frame.f_code, frame.f_globals.get("__name__"))

    def has_code(self, code: CodeType, module: object) -> bool:
        """Whether this is installed code; ``module`` is the name of its module."""
        file = code.co_filename
        known = self._files.get(file)
        if known is None:
            known = self._files[file] = is_installed_file(file) and not self._includes(exact(module))
        return known

    def _includes(self, module: str) -> bool:
        return any(module == package or module.startswith(f"{package}.") for package in self.included)


def is_installed_file(file: str) -> bool:
    """Whether a file belongs to an installed package or to the standard library."""
    return any(part in file for part in _PACKAGES) or file.startswith(_STANDARD_LIBRARY)
