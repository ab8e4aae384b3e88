"""What people call a task or a thread: the name that the program gave it, else one made from its coroutine.

Tasks may be of any subclass, and what a program enters as its task may be no task at all: asyncio's own methods are
called on tasks, and nothing is asked of anything else.
"""

from __future__ import annotations

import asyncio
import re
import threading
from threading import get_ident
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import TypeGuard

from tenure._core import object_access, probe_backend
from tenure._identify import tracer

_DEFAULT_NAME = re.compile(r"Task-\d+")
_ASYNCIOS = asyncio.Task
_COROUTINES: tuple[type, ...] = (CoroutineType, GeneratorType, AsyncGeneratorType)
if probe_backend.SERVES:
    from tenure import _probe

    _COROUTINES = (*_COROUTINES, _probe.Driver)


def is_task(thing: object) -> TypeGuard[asyncio.Task[object]]:
    """Whether this is one of asyncio's tasks, of whatever subclass; the thing itself is not asked."""
    return issubclass(type(thing), _ASYNCIOS)


def is_coroutine(thing: object) -> bool:
    """Whether this is the interpreter's own coroutine or generator, or what stands for one of those."""
    kind = type(thing)
    return any(kind is one for one in _COROUTINES)


def entitle(coroutine: str, title: str) -> None:
    """Let people read this title for tasks of a library's coroutine: "request" for "RequestHandler._handle_request"."""
    tracer.current.tasks.titles[coroutine] = title


def set_by_program(task: object) -> str:
    """The name that the program gave a task; "" where it gave none."""
    name = object_access.exact(_ASYNCIOS.get_name(task)) if is_task(task) else ""
    return "" if _DEFAULT_NAME.fullmatch(name) else name


def from_coroutine(coroutine: str, *, is_first: bool) -> str:
    """A name from a coroutine's qualified one: "main", "worker-3"; first: of a task that no other one created."""
    table = tracer.current.tasks
    short = table.titles.get(coroutine) or coroutine.rpartition("<locals>.")[2]
    key = short, is_first
    ordinal = table.ordinals[key] = table.ordinals.get(key, 0) + 1
    return short if is_first and ordinal == 1 else f"{short}-{ordinal}"


def coroutine_of(task: object) -> object:
    """What a task runs; of what is no task the thing itself."""
    return _ASYNCIOS.get_coro(task) if is_task(task) else task


def qualified(coroutine: object) -> str:
    """A coroutine's qualified name; of what is none that of its type."""
    name = object_access.exact(coroutine.__qualname__) if is_coroutine(coroutine) else ""  # type: ignore[attr-defined]
    return name or object_access.qualified_name(type(coroutine))


def of_thread() -> str:
    """The name of the thread that runs; ``threading.current_thread()`` would make an object for a foreign one."""
    thread = threading._active.get(get_ident())  # type: ignore[attr-defined]  # noqa: SLF001
    return object_access.exact(object_access.attribute(thread, "_name")) or f"thread-{get_ident()}"
