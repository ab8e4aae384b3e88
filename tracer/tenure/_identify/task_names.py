"""The name of a task or a thread: the one that the program gave it, else one made from its coroutine.

Tasks may be of any subclass, and a program may enter something else as its task. asyncio's own methods are called on
tasks; nothing is called on other objects.
"""

from __future__ import annotations

import asyncio
import re
import threading
from threading import get_ident
from types import AsyncGeneratorType, BuiltinMethodType, CoroutineType, FunctionType, GeneratorType, MethodType
from typing import TypeGuard

from tenure._core import object_access, probe_backend
from tenure._identify import tracer

_DEFAULT_NAME = re.compile(r"Task-\d+")
_OF_EAGER = "None"  # of an eager task that got no name, in Python 3.13.0 and 3.13.1
_SAYING_NOTHING = frozenset({"coro", "func", "wrap", "wrapped", "wrapper"})  # names of functions in functions
_ASYNCIOS = asyncio.Task
_FUNCTIONS = FunctionType, MethodType, BuiltinMethodType
_Driver: type = CoroutineType
if probe_backend.SERVES:
    from tenure._probe import Driver as _Driver


def is_task(thing: object) -> TypeGuard[asyncio.Task[object]]:
    """Whether this is a task of asyncio's, of any subclass; no method of it is called."""
    return issubclass(type(thing), _ASYNCIOS)


def is_coroutine(thing: object) -> bool:
    """Whether this is the interpreter's own coroutine or generator, or the native probe's stand-in for one."""
    kind = type(thing)
    return kind is CoroutineType or kind is _Driver or kind is GeneratorType or kind is AsyncGeneratorType


def entitle(coroutine: str, title: str) -> None:
    """Show this title for tasks of a library's coroutine: "request" for "RequestHandler._handle_request"."""
    tracer.current.tasks.titles[coroutine] = title


def set_by_program(task: object, coroutine: str) -> str:
    """The name that the program gave a task of this coroutine; "" where it gave none.

    anyio names its tasks by their functions, "shop.orders.worker", which the program did not.
    """
    name = object_access.exact(_ASYNCIOS.get_name(task)) if is_task(task) else ""
    if not name or name == _OF_EAGER or _DEFAULT_NAME.fullmatch(name):
        return ""
    return "" if "." in name and name.endswith(f".{coroutine}") else name


def from_coroutine(coroutine: str, *, is_first: bool) -> str:
    """A name from a coroutine's qualified one: "main", "worker-3"; first: of a task that no other one created."""
    table = tracer.current.tasks
    short = table.titles.get(coroutine) or _short(coroutine)
    key = short, is_first
    ordinal = table.ordinals[key] = table.ordinals.get(key, 0) + 1
    return short if is_first and ordinal == 1 else f"{short}-{ordinal}"


def _short(coroutine: str) -> str:
    """The function's own name; where that says nothing, "Middleware.call_next" of the functions around it."""
    *outer, own = coroutine.split(".<locals>.")
    if own not in _SAYING_NOTHING or not outer:
        return own
    parts = [part for function in outer for part in function.split(".") if not part.startswith("__")]
    named = [part for part in parts if part not in _SAYING_NOTHING]
    return ".".join(dict.fromkeys((named[0], named[-1]))) if named else own


def coroutine_of(task: object) -> object:
    """The coroutine of a task, None where it has none; the thing itself where it is not a task.

    ``get_coro()`` crashes where a subclass never called ``Task.__init__``, as a stand-in of granian's.
    """
    return object_access.attribute(task, "_coro") if is_task(task) else task


def qualified(coroutine: object) -> str:
    """A coroutine's or a function's qualified name; the type's where it is neither."""
    has_name = is_coroutine(coroutine) or type(coroutine) in _FUNCTIONS
    name = object_access.exact(coroutine.__qualname__) if has_name else ""  # type: ignore[attr-defined]
    return name or object_access.qualified_name(type(coroutine))


def of_thread() -> str:
    """The name of the thread that runs; ``threading.current_thread()`` would make an object for a foreign one."""
    thread = threading._active.get(get_ident())  # type: ignore[attr-defined]  # noqa: SLF001
    return object_access.exact(object_access.attribute(thread, "_name")) or f"thread-{get_ident()}"
