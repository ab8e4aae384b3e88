"""Where a server's lifecycles are placed: at the handler that is written, or at the line that started the server."""

from __future__ import annotations

import functools
import sys
from types import CodeType, FunctionType, MethodType

from tenure._core.object_access import attribute, call_method, exact
from tenure._core.paths import ASYNCIO_DIR, is_own_frame
from tenure._identify import sites, task_origins
from tenure._identify.sites import Place, Site

_LOOPS = "asyncio", "uvloop"
_LAYERS = 50  # decorators around a function
_MOST = 4096  # sites
_sites: dict[tuple[int, str], tuple[str, CodeType]] = {}  # by address of the code, which is kept, and what it is for


def of_callable(called: object, via: str = "") -> str:
    """The site of a function, method or partial, however decorated, or of an object's __call__; else a name alone."""
    called = _innermost(called)
    code = _code(called)
    if code is None:
        kind = called if issubclass(type(called), type) else type(called)
        name = (
            ""
            if called is None
            else _text(attribute(called, "__qualname__")) or type.__dict__["__qualname__"].__get__(kind)
        )
        return Site("", 0, name, "", via=via).key()
    known = _sites.get((id(code), via))
    if known is None:
        if len(_sites) >= _MOST:
            _sites.clear()
        site = Site(code.co_filename, code.co_firstlineno, code.co_qualname, "", via=via).key()
        known = _sites[id(code), via] = site, code
    return known[0]


def _innermost(called: object) -> object:
    """What is below decorators, partials and bound methods."""
    for _ in range(_LAYERS):
        if type(called) is MethodType:
            called = called.__func__
        is_partial = issubclass(type(called), functools.partial)
        inner = attribute(called, "func" if is_partial else "__wrapped__")
        if inner is None:
            break
        called = inner
    return called


def _code(called: object) -> CodeType | None:
    """Its code: a function's, or that of an object's __call__; a class has none."""
    if type(called) is not FunctionType and not issubclass(type(called), type):
        called = _innermost(call_method(type(called)))
    return called.__code__ if type(called) is FunctionType else None


def _text(value: object) -> str:
    return value if type(value) is str else ""


def of_caller(package: str) -> str:
    """The line that called into this package: `web.run_app(app)`, also where the package made the loop that runs.

    A line that only made the loop (`asyncio.run(main())`) started no server; then it is the package's own line.
    """
    frame, own, in_loop = sys._getframe(1), "", False  # noqa: SLF001  # there is no other way to the caller
    while True:
        name = exact(frame.f_globals.get("__name__")).partition(".")[0]
        if name == package:
            own, in_loop = own or sites.of_instruction(frame.f_code, frame.f_lasti), False
        elif name in _LOOPS or frame.f_code.co_filename.startswith(ASYNCIO_DIR):
            in_loop = True
        elif not is_own_frame(frame):
            return own if in_loop and own else sites.of_instruction(frame.f_code, frame.f_lasti)
        if frame.f_back is None:
            return own
        frame = frame.f_back


def of_call(package: str) -> str:
    """The line that called into this package, or made the task that runs nothing but its coroutine."""
    own = None
    for caller, _ in task_origins.callers(sys._getframe(1)):  # noqa: SLF001  # there is no other way to the caller
        if exact(caller.f_globals.get("__name__")).partition(".")[0] == package:
            own = Place(caller.f_code, caller.f_lasti)
        elif not (is_own_frame(caller) or caller.f_code.co_filename.startswith(ASYNCIO_DIR)):
            return sites.of_instruction(caller.f_code, caller.f_lasti)
    place = task_origins.of_running() or own
    return "" if place is None else place.site()
