"""The body of every wrapper in Python: what Tenure does before a call, after it, and where it raises.

A wrapper has three hooks. Of a coroutine method, ``awaited.method(original, where, before=..., after=..., failed=...)``
makes this, with the guards left out::

    async def wrapper(owner, *arguments, **named):
        state = before(owner, arguments, named)            None: the other hooks are not called
        try:
            value = await original(owner, *arguments, **named)
        except BaseException as error:
            failed(state, error)                           the wrapper's frame is off the traceback by then
            raise
        after(state, value, owner)
        return value

Each hook runs in a guard: what it raises is a fault of Tenure's, reported under ``where``, and the program goes on as
if there were no hook. The program notices nothing else either (``tenure._core.wrapping``). A hook that needs the
caller's frame reads ``sys._getframe(1).f_back``: frame 1 is the wrapper's.

The shapes differ in their signature, and so in what the hooks are given; ``scripts/wrapper_bodies.py`` writes them.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

Before = Callable[..., Any]  # gives the state
After = Callable[..., object]
Failed = Callable[[Any, BaseException], object]  # with the state


def always(*_: object) -> bool:
    """The hook ``before`` of a wrapper that does nothing there: ``after`` and ``failed`` are called."""
    return True


def nothing(*_: object) -> None:
    """The hooks ``after`` and ``failed`` of a wrapper that does nothing there."""


def wrapper_code(factory: Callable[..., object]) -> CodeType:
    """The code of all wrappers that this function of ``awaited`` or ``immediate`` makes."""
    assert isinstance(factory, FunctionType)
    codes = (constant for constant in factory.__code__.co_consts if isinstance(constant, CodeType))
    return next(code for code in codes if code.co_name != "__annotate__")  # since 3.14 its annotations have a function
