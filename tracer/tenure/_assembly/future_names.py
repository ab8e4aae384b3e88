"""What made the future that a task waits for: ``shield``, or a call in another thread. Its callbacks say it.

This is read in the shipping thread. Nothing of the program is called.
"""

from __future__ import annotations

import asyncio
import weakref
from types import CellType, CoroutineType, FunctionType
from typing import cast

from tenure._core import object_access
from tenure._core.paths import ASYNCIO_DIR, code_file
from tenure._identify import task_names, tasks, variables
from tenure._identify.await_chain import FUTURE, TASK, Row

_THREADS, _TASKS = code_file(asyncio.threads), code_file(asyncio.tasks)
_SHIELDED = "shield.<locals>._outer_done_callback"
_CHAINED = "_chain_future.<locals>._call_check_cancel"
_MOST_CALLBACKS = _MOST_LEVELS = 20


def of_future(row: Row, address: int) -> str:
    """Name it: "shield of fetch", "run_in_executor" or "run_coroutine_threadsafe"; "" for any other future."""
    future = _referent(row[FUTURE])
    if id(future) != address:
        future = _local(row, _TASKS, "fut")  # of ``wait_for`` until 3.11
        if id(future) != address:
            return ""
    for callback in _callbacks(future, "_callbacks"):
        if callback.__qualname__ == _SHIELDED:
            return f"shield of {_shielded(_variable(callback, 'inner'))}"
        if callback.__qualname__ == _CHAINED:
            source = _callbacks(_variable(callback, "source"), "_done_callbacks")
            is_of_loop = any(other.__qualname__ == _CHAINED for other in source)
            return "run_coroutine_threadsafe" if is_of_loop else "run_in_executor"
    return ""


def function_of_thread(row: Row) -> str:
    """The name of the function that ``to_thread`` runs for this row's task; "" where that is not known."""
    function = _local(row, _THREADS, "func")
    function = object_access.attribute(function, "func") or function  # of a partial
    return "" if function is None else task_names.qualified(function).rpartition("<locals>.")[2]


def _local(row: Row, file: str, name: str) -> object:
    """The variable of this name in a suspended function of this file that the row's task awaits."""
    coroutine = task_names.coroutine_of(_referent(row[TASK]))
    for _ in range(_MOST_LEVELS):
        if type(coroutine) is not CoroutineType or (frame := coroutine.cr_frame) is None:
            break
        if frame.f_code.co_filename == file and name in frame.f_code.co_varnames:
            return variables.of_suspended(frame).get(name)
        coroutine = coroutine.cr_await
    return None


def _referent(reference: object) -> object:
    return cast("weakref.ref[object]", reference)() if type(reference) is weakref.ref else None


def _shielded(inner: object) -> str:
    """The task by the name that the program gave it, else by its coroutine; another future by its type."""
    if not task_names.is_task(inner):
        return object_access.short_name(type(inner))
    entry = tasks.known(inner)
    name = task_names.set_by_program(inner, "" if entry is None else entry.coroutine)
    return f"task {name}" if name or entry is None else entry.coroutine.rpartition("<locals>.")[2]


def _callbacks(future: object, name: str) -> list[FunctionType]:
    """The functions of asyncio's among a future's callbacks."""
    entries = object_access.attribute(future, name)
    if type(entries) is not list:
        return []
    functions = [entry[0] if type(entry) is tuple and entry else entry for entry in entries[:_MOST_CALLBACKS]]
    return [
        function
        for function in functions
        if type(function) is FunctionType and function.__code__.co_filename.startswith(ASYNCIO_DIR)
    ]


def _variable(function: FunctionType, name: str) -> object:
    """A free variable of a function; None: it has none of this name."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    cell = cells.get(name)
    try:
        return cell.cell_contents if type(cell) is CellType else None
    except ValueError:  # it is empty
        return None
