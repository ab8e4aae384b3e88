"""The variables of the program's functions, read without a trace.

Until Python 3.12, ``frame.f_locals`` fills a dictionary that the frame keeps, and the program's objects with it. It is
emptied at once. A function that may look at that dictionary itself is not read, and none while a debugger traces: it
writes the dictionary back into the function's variables.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from inspect import CO_OPTIMIZED, CO_VARARGS, CO_VARKEYWORDS
from types import CodeType, CoroutineType, FrameType

_LOOKS_ITSELF = frozenset({"locals", "vars", "dir", "eval", "exec"})
_MAX_AWAITS = 5  # coroutines of a suspended task that are looked at


def local(frame: FrameType) -> dict[str, object]:
    """The local variables of a function's frame by name; none of a module's or a class's."""
    is_traced = sys.version_info < (3, 13) and sys.gettrace() is not None
    return {} if is_traced else of_suspended(frame)


def of_suspended(frame: FrameType) -> dict[str, object]:
    """The same of a frame that does not run now, which no debugger traces."""
    code = frame.f_code
    if not code.co_flags & CO_OPTIMIZED or not _LOOKS_ITSELF.isdisjoint(code.co_names):
        return {}
    if sys.version_info >= (3, 13):  # a view that the frame does not keep
        return dict(frame.f_locals)
    kept = frame.f_locals
    values = dict(kept)
    kept.clear()
    return values


def parameters(code: CodeType) -> frozenset[str]:
    """The names of a function's parameters."""
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & CO_VARARGS) + bool(code.co_flags & CO_VARKEYWORDS)
    return frozenset(code.co_varnames[:count])


def suspended(coroutine: object) -> Iterator[FrameType]:
    """The frames of a coroutine that is suspended and of those that it awaits, outermost first."""
    for _ in range(_MAX_AWAITS):
        if type(coroutine) is not CoroutineType or coroutine.cr_frame is None:
            return
        yield coroutine.cr_frame
        coroutine = coroutine.cr_await
