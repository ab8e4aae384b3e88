"""What a wrapper's coroutine runs for its caller: the coroutine or the function that a package like tenacity wraps."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import BuiltinMethodType, FrameType, FunctionType, MethodType
from typing import cast

from tenure._core.object_access import attribute, exact, module_name
from tenure._core.paths import code_file
from tenure._identify import frame_kinds, libraries, task_names, variables

_MOST_LAYERS = 5  # wrappers around wrappers
_TASKS = code_file(asyncio.tasks)
_FUNCTIONS = FunctionType, MethodType, BuiltinMethodType


def awaitable_of(coroutine: object) -> object:
    """The coroutine or the awaitable that this coroutine awaits for its caller, if it has not begun; else itself."""
    if not _awaits_another(coroutine):
        return coroutine
    for _ in range(_MOST_LAYERS):
        frame = _frame(coroutine)
        if frame is not None and frame.f_code.co_name == "_wrap_awaitable" and frame.f_code.co_filename == _TASKS:
            return variables.of_suspended(frame).get("awaitable", coroutine)
        inner = next((value for value in _values(frame) if _coroutine_in(value) is not None), None)
        if inner is None:
            break
        coroutine = inner
    return coroutine


def called_by(coroutine: object) -> object:
    """What this coroutine runs: the innermost wrapped coroutine, else the wrapped function, else the coroutine."""
    if not _awaits_another(coroutine):
        return coroutine
    inner = awaitable_of(coroutine)
    inner = _coroutine_in(inner) or inner
    if not task_names.is_coroutine(inner):
        return coroutine
    functions = (_function(value) for value in _values(_frame(inner)))
    return next((function for function in functions if function is not None), inner)


def _awaits_another(coroutine: object) -> bool:
    """Whether it is one of a wrapper's coroutines, or asyncio's for an awaitable. Most are not."""
    frame = getattr(coroutine, "cr_frame", None) if task_names.is_coroutine(coroutine) else None
    return frame is not None and (frame.f_code.co_name == "_wrap_awaitable" or frame_kinds.of(frame).is_wrapper)


def _coroutine_in(value: object) -> object:
    """The value if it is a coroutine, or the coroutine of an awaitable that keeps it, as aiohttp's requests do."""
    value = value if task_names.is_coroutine(value) else attribute(value, "_coro")
    return value if task_names.is_coroutine(value) else None


def _frame(coroutine: object) -> FrameType | None:
    """The frame of a coroutine that has not begun."""
    if not task_names.is_coroutine(coroutine) or attribute(coroutine, "cr_suspended") is not False:
        return None
    return cast("FrameType | None", attribute(coroutine, "cr_frame"))


def _values(frame: FrameType | None) -> Iterator[object]:
    """The arguments and then the free variables of a wrapper's frame; none of any other frame."""
    if frame is None or not libraries.is_wrapper(frame):
        return
    values, code = variables.of_suspended(frame), frame.f_code
    for name in (*code.co_varnames, *code.co_freevars):
        if name in values:
            yield values[name]


def _function(value: object) -> object:
    """The function if this is one of a package that wraps nothing; None otherwise."""
    value = attribute(value, "func") if module_name(type(value)) == "functools" else value
    if module_name(type(value)) == "tenure._probe":
        value = cast("object", value.__wrapped__)  # type: ignore[attr-defined]
    if type(value) not in _FUNCTIONS:
        return None
    module = exact(attribute(value, "__module__"))
    return None if libraries.wraps(module) else value
