"""Which frame enters a manager that a class patch sees: the program's, or a library's."""

from __future__ import annotations

import asyncio
import contextlib
from types import FrameType

from tenure._core.paths import ASYNCIO_DIR, PACKAGE_DIR, code_file
from tenure._identify import libraries, resources

ENTERS = frozenset({"__aenter__", "__enter__"})
_EVENTS = code_file(asyncio.events)
_CONTEXTLIB = code_file(contextlib)  # an exit stack and a decorator enter on behalf of their caller


def find(frame: FrameType, manager: object) -> tuple[FrameType | None, str, bool]:
    """The frame that enters, the library that does it for that frame, and whether a library enters for its own ends.

    No frame: it is not recorded.
    """
    library, in_library = "", None
    while frame.f_back is not None:
        if not _is_between(frame, manager):
            package = libraries.of_frame(frame)
            if package:
                if not libraries.enters_its_own(package, resources.described(type(manager))):
                    return None, "", False
                library = package
            elif _is_asyncio(frame) or not libraries.is_installed(frame):
                break
            elif libraries.serves_caller(manager):
                library, in_library = library or "installed", frame
            else:
                return frame, library, True
        frame = frame.f_back
    if _is_asyncio(frame) and (library or frame.f_code.co_filename != _EVENTS):
        return in_library, library, False  # None, or a task of that library's own
    return frame, library, False


def _is_asyncio(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(ASYNCIO_DIR)


def _is_between(frame: FrameType, manager: object) -> bool:
    """Whether this frame enters for its caller: Tenure's, contextlib's, or the __aenter__ of a subclass."""
    code = frame.f_code
    if code.co_filename == _CONTEXTLIB or code.co_filename.startswith(PACKAGE_DIR):
        return True
    in_method = code.co_name in ENTERS and code.co_argcount > 0
    return in_method and frame.f_locals.get(code.co_varnames[0]) is manager
