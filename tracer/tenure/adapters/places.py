"""Where a server's lifecycles are placed: at the handler that is written, or at the line that started the server."""

from __future__ import annotations

import asyncio
import inspect
import sys
from pathlib import Path

from tenure import sites
from tenure.sites import Site

_OURS = str(Path(__file__).parent.parent)
_ASYNCIO = str(Path(asyncio.__file__).parent)
_LOOPS = "asyncio", "uvloop"


def of_callable(called: object, via: str = "") -> str:
    """The site of a function, method or partial, however decorated, or of an object's __call__; else a name alone."""
    while (inner := getattr(called, "__wrapped__", None) or getattr(called, "func", None)) is not None:
        called = inner
    called = getattr(called, "__func__", called)
    code = getattr(called, "__code__", None)
    if code is None and not isinstance(called, type):
        code = getattr(inspect.unwrap(type(called).__call__), "__code__", None) if callable(called) else None
    if code is None:
        name = "" if called is None else getattr(called, "__qualname__", type(called).__qualname__)
        return Site("", 0, name, "", via=via).key()
    return Site(code.co_filename, code.co_firstlineno, code.co_qualname, "", via=via).key()


def of_caller(package: str) -> str:
    """The line that called into this package: `web.run_app(app)`, also where the package made the loop that runs.

    A line that only made the loop (`asyncio.run(main())`) started no server; then it is the package's own line.
    """
    frame, own, in_loop = sys._getframe(1), "", False  # noqa: SLF001  # there is no other way to the caller
    while True:
        name = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if name == package:
            own, in_loop = own or sites.of_instruction(frame.f_code, frame.f_lasti), False
        elif name in _LOOPS or frame.f_code.co_filename.startswith(_ASYNCIO):
            in_loop = True
        elif not frame.f_code.co_filename.startswith(_OURS):
            return own if in_loop and own else sites.of_instruction(frame.f_code, frame.f_lasti)
        if frame.f_back is None:
            return own
        frame = frame.f_back
