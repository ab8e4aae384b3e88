"""Hides a wrapper that is written in Python.

A coroutine function stays one, the metadata are the original's, and an exception that passes through has no frame of
the wrapper in its traceback. The original's frame, which is in it, refers to the wrapper's as its caller. So the
wrapper deletes its arguments: the exception itself may be among them.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Coroutine
from types import CodeType, CoroutineType, FunctionType, TracebackType

from tenure._core import faults, probe_backend

_Driver: type = CoroutineType  # what the native probe returns in a coroutine's place
if probe_backend.SERVES:
    from tenure._probe import Driver as _Driver

Method = Callable[..., object]
traceback_of: Callable[[BaseException], TracebackType | None] = BaseException.__dict__["__traceback__"].__get__
AsyncMethod = Callable[..., Coroutine[object, object, object]]


def strip_frame(error: BaseException, code: CodeType) -> None:
    """Take the frame of this code off an exception that passes through it; a bare ``raise`` must follow."""
    traceback = traceback_of(error)  # nothing here can fail
    if traceback is not None and traceback.tb_frame.f_code is code:
        BaseException.with_traceback(error, traceback.tb_next)


def mark_as_wrapper(original: Method) -> Callable[[Method], Method]:
    """Mark a wrapper as Tenure's and give it the original's metadata."""

    def marked(wrapper: Method) -> Method:
        functools.update_wrapper(wrapper, original)
        wrapper.__tenure__ = True  # type: ignore[attr-defined]
        return wrapper

    return marked


def match_coroutine_kind(original: Method, wrapper: AsyncMethod) -> Method:
    """What calls the original at once, as a coroutine function if that is one, and awaits its value in the wrapper.

    So Python itself says at the call that an argument is wrong, or at the await that a value cannot be awaited. The
    wrapper gets the function to call as ``_original``; a call of another function that raises is recorded through it.
    """
    if inspect.iscoroutinefunction(original):
        _name(wrapper, original)
        return _calling(original, wrapper)

    def returning(*arguments: object, **named: object) -> object:
        try:
            value = original(*arguments, **named)
        except BaseException as error:
            traceback = traceback_of(error)
            with contextlib.suppress(BaseException):  # it is the same one
                wrapper(*arguments, **named, _original=_raising(error)).send(None)
            BaseException.with_traceback(error, traceback)
            with contextlib.suppress(Exception):  # then the wrapper's frame is seen
                strip_frame(error, returning.__code__)
            del arguments, named
            raise
        return wrapper(*arguments, **named, _original=lambda *_, **__: value) if inspect.isawaitable(value) else value

    return returning


def _raising(error: BaseException) -> Method:
    def raises(*_: object, **__: object) -> object:
        raise error

    return raises


class _Made:
    """What the original returned, for the wrapper that calls this in the original's place.

    If the wrapper's coroutine never runs, Python warns of that one alone: the other is closed, and has not begun.
    """

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value: object = value

    def __call__(self, *_: object, **__: object) -> object:
        value, self.value = self.value, None
        return value

    def __del__(self) -> None:
        value = getattr(self, "value", None)  # without one where memory was short
        if value is not None and (type(value) is CoroutineType or type(value) is _Driver):
            try:  # noqa: SIM105  # suppress() would need memory
                value.close()  # type: ignore[attr-defined]
            except Exception:  # noqa: BLE001, S110  # nothing of the program runs: memory is short
                pass


def _calling(original: AsyncMethod, wrapper: AsyncMethod) -> Method:
    def calling(*arguments: object, **named: object) -> object:
        try:
            value = original(*arguments, **named)
        except BaseException as error:
            with contextlib.suppress(Exception):  # then the wrapper's frame is seen
                strip_frame(error, code)
            del arguments, named
            raise
        made = None
        try:
            made = _Made(value)
            return wrapper(*arguments, **named, _original=made)
        except Exception as fault:  # noqa: BLE001  # never into the program
            if made is not None:
                made.value = None  # the program gets it
            faults.fault("calling what is recorded", fault)
            return value

    # The flag says to everybody who asks that it is a coroutine function; the interpreter does not ask.
    code = calling.__code__.replace(co_flags=calling.__code__.co_flags | inspect.CO_COROUTINE)
    return FunctionType(code, calling.__globals__, calling.__name__, None, calling.__closure__)


def _name(wrapper: AsyncMethod, original: Method) -> None:
    """Give the wrapper's coroutines the names of the original's."""
    wrapper.__name__ = getattr(original, "__name__", wrapper.__name__)
    wrapper.__qualname__ = getattr(original, "__qualname__", wrapper.__qualname__)
