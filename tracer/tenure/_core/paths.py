"""The directories of Tenure's own code and of asyncio's, by which a frame is known not to be the program's."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import FrameType

PACKAGE_DIR = str(Path(__file__).parent.parent)
ASYNCIO_DIR = str(Path(asyncio.__file__).parent)


def is_own_frame(frame: FrameType) -> bool:
    """Whether the frame runs code of this package."""
    return frame.f_code.co_filename.startswith(PACKAGE_DIR)
