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
from types import CodeType, TracebackType

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
    """The wrapper as a coroutine function if the original is one, else as a function that calls it at once.

    Then Python itself says that a value cannot be awaited. The wrapper gets the function to call as ``_original``; a
    call that raises is recorded through it as well.
    """
    if inspect.iscoroutinefunction(original):
        return wrapper

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
