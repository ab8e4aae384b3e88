"""Which code is installed: a library's or Python's own, by where its file lies, and not what the program includes.

No file is touched: the program waits for the answer.
"""

from __future__ import annotations

import os
from types import CodeType, FrameType

from tenure._core.object_access import exact

_PACKAGES = f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}"
_STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120  # as code has it in its file name


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
