"""Ships the records of the main thread's loop when the loop has closed: the program may end by a signal afterwards.

A signal may end the program without ``atexit``. So the records are shipped before the program continues, whether
``asyncio.run``, a Runner, anyio, uvloop or the program itself closed the loop. Recording continues, because another
loop may follow. While an exception propagates, nothing is shipped here: the program ends by it, or by ``atexit``, and a
wait would let a further signal change how the program ends.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from tenure._core import faults
from tenure._core.loop_end import SHIPPING, is_own, loop_ended
from tenure._patching import class_patches


def install(module: ModuleType) -> None:
    """Patch the event loops of asyncio, or of uvloop."""
    kinds = [asyncio.SelectorEventLoop] if module is asyncio else [module.Loop]
    if module is asyncio and sys.platform == "win32":
        kinds.append(asyncio.ProactorEventLoop)
    for kind in kinds:
        class_patches.replace(kind, "close", _settling(kind.close, partial(_has_ended, kind.is_closed)))
    if module is asyncio:  # a Runner that the program enters is released after its loop has closed
        class_patches.replace(module.Runner, "__exit__", _settling(module.Runner.__exit__, _is_over), again=True)


def _settling(original: class_patches.Method, is_end: Callable[[object], bool]) -> class_patches.Method:
    @class_patches.mark_as_wrapper(original)
    def ending(ended: object, *arguments: object, **named: object) -> object:
        ends = False
        try:
            ends = is_end(ended)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(SHIPPING, fault)
        try:
            value = original(ended, *arguments, **named)
        except BaseException as error:
            try:
                class_patches.strip_frame(error, ending.__code__)
            except Exception as fault:  # noqa: BLE001  # then our frame is seen
                faults.fault("hiding a frame", fault)
            del ended, arguments, named
            raise
        if ends:
            try:
                loop_ended()
            except BaseException as error:
                if not is_own(error):
                    del ended, arguments, named
                    raise  # what a signal's handler raised meanwhile
                faults.fault(SHIPPING, error)
        return value

    return ending


def _has_ended(is_closed: Callable[[Any], bool], loop: object) -> bool:
    """Whether this call closes the loop while no other loop runs; false if the loop is being garbage collected.

    ``is_closed`` is the library's own function, so that a program's subclass is not called.
    """
    if is_closed(loop) or _is_running() or sys.exception() is not None:
        return False
    return sys._getframe(2).f_code.co_name != "__del__"  # noqa: SLF001  # no other way to the caller


def _is_over(_: object) -> bool:
    return not _is_running() and sys.exception() is None


def _is_running() -> bool:
    return asyncio._get_running_loop() is not None  # noqa: SLF001  # the public one raises
