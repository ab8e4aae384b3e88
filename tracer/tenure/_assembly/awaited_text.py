"""What a task awaits, in the words of its program: "Queue.join", "sleep 3 s", "task worker-3", "gather"."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from types import CodeType
from typing import NamedTuple

from tenure._assembly import future_names
from tenure._core import object_access
from tenure._core.paths import ASYNCIO_DIR, PACKAGE_DIR, code_file
from tenure._identify import sites, tasks, tracer
from tenure._identify.await_chain import Level, Standing

_CONTEXTLIB = code_file(contextlib)
_TRIO = f"{os.sep}trio{os.sep}"
_FUTURES = code_file(asyncio.futures)
_PUBLIC_NAMES = {"_AsCompletedIterator._wait_for_one": "as_completed"}  # since 3.13
# asyncio's functions that await on behalf of their caller what stands below them.
_ON_BEHALF = frozenset({"wait_for", "_ContextManagerMixin.__aenter__", "Runner.run"})


class Shape(NamedTuple):
    """What all chains of the same instructions have in common."""

    call: str  # what the program's own line calls; "": it awaits the object itself
    own_level: int  # the innermost level that is the program's own, -1: none
    site: str  # of that level, "" for none
    levels: Sequence[Level]  # kept, so that no other code has their addresses


def shape_of(levels: Sequence[Level], is_own: Callable[[CodeType], bool]) -> Shape:
    """Find the program's own innermost line in a chain, and what it calls there."""
    own = next((at for at in reversed(range(len(levels))) if is_own(levels[at][0])), -1)
    site = sites.of_instruction(*levels[own]) if own >= 0 else ""
    below = [code for code, _ in levels[own + 1 :] if not _is_nobodys(code)]
    if own < 0:  # a library's task: what that calls of asyncio or trio
        below = [code for code in below if code.co_filename.startswith(ASYNCIO_DIR) or _TRIO in code.co_filename]
    called = next((code for code in below if not _is_on_behalf(code)), below[-1] if below else None)
    return Shape("" if called is None else _title(_method_of(called, below)), own, site, levels)


def text_of(shape: Shape, standing: Standing) -> str:
    """What this task awaits."""
    if shape.call == "sleep" and standing.delay is not None:
        return f"sleep {standing.delay:g} s"
    if shape.call == "wait_for":
        known = tracer.current.tasks.known.get(standing.address)
        return known[0].coroutine.rpartition("<locals>.")[2] if known is not None else _of_object(standing)
    if shape.call == "to_thread":
        return f"to_thread {future_names.function_of_thread(standing.row)}".rstrip()
    return shape.call or _of_object(standing)


def _is_nobodys(code: CodeType) -> bool:
    """Whether nobody calls this by its name: Tenure's wrappers, contextlib, the iterator of a future."""
    return code.co_filename.startswith(PACKAGE_DIR) or code.co_filename in {_CONTEXTLIB, _FUTURES}


def _is_on_behalf(code: CodeType) -> bool:
    return code.co_filename.startswith(ASYNCIO_DIR) and code.co_qualname in _ON_BEHALF


def _method_of(called: CodeType, below: Sequence[CodeType]) -> CodeType:
    """The method of the same class that ``__aenter__`` awaits: "CapacityLimiter.acquire"; else the call itself."""
    owner, _, method = called.co_qualname.rpartition(".")
    if method != "__aenter__":
        return called
    after = below[below.index(called) + 1 :]
    return next((code for code in after if code.co_qualname.rpartition(".")[0] == owner), called)


def _title(code: CodeType) -> str:
    """A function's qualified name; a loop's methods without the class of the loop."""
    outer, _, inner = code.co_qualname.partition(".<locals>.")
    name = outer if code.co_filename.startswith(ASYNCIO_DIR) else inner.rpartition("<locals>.")[2] or outer
    owner, _, method = name.rpartition(".")
    return method if owner.endswith("EventLoop") else _PUBLIC_NAMES.get(name, name)


def _of_object(standing: Standing) -> str:
    known = tracer.current.tasks.known.get(standing.address)
    if known is not None:
        entry = known[0]
        task = None if entry.name else known[1]()
        named = entry if task is None else tasks.known(task) or entry
        return f"task {named.name or named.id}"
    name = object_access.short_name(standing.tail)
    return "gather" if name == "_GatheringFuture" else future_names.of_future(standing.row, standing.address) or name
