"""The directories of Tenure's own code and of asyncio's, by which a frame is known not to be the program's."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from types import FrameType, ModuleType

FROZEN_DIR = str(getattr(sys, "_MEIPASS", "")) if hasattr(sys, "frozen") else ""  # of PyInstaller's program; else ""
_FROZEN_LIBRARY = "base_library.zip"


def code_file(module: ModuleType) -> str:
    """The file name that this module's code has. PyInstaller makes it relative; ``__file__`` stays absolute."""
    file = str(module.__file__)
    if not FROZEN_DIR or not file.startswith(FROZEN_DIR):
        return file
    relative = os.path.relpath(file, FROZEN_DIR).removeprefix(f"{_FROZEN_LIBRARY}{os.sep}")
    return f"{relative.removesuffix('.pyc')}.py" if relative.endswith(".pyc") else relative


PACKAGE_DIR = f"tenure{os.sep}" if FROZEN_DIR else str(Path(__file__).parent.parent)
ASYNCIO_DIR = str(Path(code_file(asyncio)).parent)


def is_own_frame(frame: FrameType) -> bool:
    """Whether the frame runs code of this package."""
    return frame.f_code.co_filename.startswith(PACKAGE_DIR)
