"""A subclass of the program that closes in its own way: its ``close()`` does not call the library's.

An override that names ``super`` or the library's class leaves the end to the library's method, which it may call later
or not at all (it counts users). One that calls nothing closes nothing.
"""

from __future__ import annotations

import builtins
import inspect
from collections.abc import Callable
from types import FunctionType

from tenure._core.object_access import mro, namespace
from tenure._core.wrapping import Method
from tenure._identify import tracer
from tenure._patching import class_patches

Wrap = Callable[[Method, str], Method]  # of a method, and its name


class _Subclasses:
    """The subclasses that were looked at."""

    def __init__(self) -> None:
        self.seen: dict[tuple[int, int], type] = {}  # by the addresses of the subclass and of the library's class


def patch(subclass: type, kind: type, closing: tuple[str, ...], wrap: Wrap) -> None:
    """Let the closing methods that a subclass overrides, and that do not call the library's, end what is held.

    ``wrap(method, name)`` makes the wrapper of a method.
    """
    seen = tracer.current.of(_Subclasses).seen
    if (id(subclass), id(kind)) in seen:
        return
    seen[id(subclass), id(kind)] = subclass
    classes = mro(subclass)
    for base in classes[: classes.index(kind)] if kind in classes else ():
        for name in closing:
            override = namespace(base).get(name)
            if type(override) is FunctionType and not class_patches.is_ours(override) and _closes(override, kind):
                class_patches.replace(base, name, wrap(override, name))


def _closes(override: FunctionType, kind: type) -> bool:
    code = inspect.unwrap(override).__code__
    names = {*code.co_names, *code.co_freevars}
    calls_base = bool(names & {"super", "__class__", kind.__name__})
    return not calls_base and bool(names.difference(vars(builtins)))
