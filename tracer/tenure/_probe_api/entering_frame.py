"""Which frame enters a manager that a class patch sees: the program's, or a library's."""

from __future__ import annotations

import asyncio
import contextlib
from types import FrameType
from typing import NamedTuple

from tenure._core import object_access
from tenure._core.paths import ASYNCIO_DIR, PACKAGE_DIR, code_file
from tenure._identify import libraries, resources, task_origins
from tenure._identify.sites import Place

ENTERS = frozenset({"__aenter__", "__enter__"})
_TASKS, _TIMEOUTS = code_file(asyncio.tasks), asyncio.timeouts.__name__
_CONTEXTLIB = code_file(contextlib)  # an exit stack and a decorator enter on behalf of their caller


class Entry(NamedTuple):
    """An entry that is recorded.

    ``frame`` enters; None: it is not on the stack any more. ``library`` does it for that frame; "": none.
    ``is_internal``: it is a library's frame, which enters for the library's own ends.
    """

    frame: FrameType | None
    place: Place
    library: str
    is_internal: bool


def find(first: FrameType, manager: object) -> Entry | None:
    """The entry that this frame, or a caller of it, makes; None: it is not recorded."""
    library, in_library = "", Place(first.f_code, first.f_lasti)
    kind = resources.described(type(manager))
    for frame, package in task_origins.callers(first):
        if _is_between(frame, manager):
            continue
        place, is_asyncio = Place(frame.f_code, frame.f_lasti), frame.f_code.co_filename.startswith(ASYNCIO_DIR)
        if package:
            if not libraries.enters_its_own(package, kind):
                return None
            library, in_library = package, place
        elif is_asyncio:
            if not library:
                return None
        elif not libraries.is_installed(frame):
            return Entry(frame, place, library, is_internal=False)
        elif libraries.serves_caller(manager, kind):
            library, in_library = library or "installed", place
        else:
            return Entry(frame, place, library, is_internal=True)
    return Entry(None, task_origins.of_running() or in_library, library, is_internal=False)


def _is_between(frame: FrameType, manager: object) -> bool:
    """Whether this frame enters for its caller: Tenure's, contextlib's, or the __aenter__ of a subclass.

    From Python 3.12 on, ``wait_for`` awaits in its caller's task. It enters a timeout of its own.
    """
    code = frame.f_code
    if code.co_filename == _TASKS:
        return object_access.module_name(type(manager)) != _TIMEOUTS
    if code.co_filename == _CONTEXTLIB or code.co_filename.startswith(PACKAGE_DIR):
        return True
    in_method = code.co_name in ENTERS and code.co_argcount > 0
    return in_method and frame.f_locals.get(code.co_varnames[0]) is manager
