"""What keeps a wrapper written in Python from being noticed.

A coroutine function stays one, the metadata are the original's, and an exception that passes through leaves no frame of
ours in its traceback. The original's frame, which is in it, has ours as its caller: so ours lets go of what it was
called with, among which the exception itself may be.
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
    """Mark a wrapper as ours and give it the original's metadata."""

    def marked(wrapper: Method) -> Method:
        functools.update_wrapper(wrapper, original)
        wrapper.__tenure__ = True  # type: ignore[attr-defined]
        return wrapper

    return marked


def match_coroutine_kind(original: Method, wrapper: AsyncMethod) -> Method:
    """The wrapper as a coroutine function if the original is one, else as a function that calls it at once.

    So does Python, which complains in its own words of what is not to be awaited. The wrapper takes what it calls as
    ``_original``; a call that raises is recorded through it as well.
    """
    if inspect.iscoroutinefunction(original):
        return wrapper

    def returning(*arguments: object, **named: object) -> object:
        try:
            given = original(*arguments, **named)
        except BaseException as error:
            traceback = traceback_of(error)
            with contextlib.suppress(BaseException):  # it is the same one
                wrapper(*arguments, **named, _original=_raising(error)).send(None)
            BaseException.with_traceback(error, traceback)
            with contextlib.suppress(Exception):  # then our frame is seen
                strip_frame(error, returning.__code__)
            del arguments, named
            raise
        return wrapper(*arguments, **named, _original=lambda *_, **__: given) if inspect.isawaitable(given) else given

    return returning


def _raising(error: BaseException) -> Method:
    def raises(*_: object, **__: object) -> object:
        raise error

    return raises
