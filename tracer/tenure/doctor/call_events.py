"""The interpreter tells of every call of a function by which a manager is entered.

From CPython 3.12 on by ``sys.monitoring`` (PEP 669), which can be told to forget a function that is none of these; on
3.11 by the profile function of every thread (``sys.setprofile``). A coroutine function counts when it first runs, not
when it is called.

A function counts by its name, ``__aenter__`` or ``__enter__``, or because the class of its first argument has it in
that place, if then a ``with`` statement calls it. What is written in C calls no function that could be seen.
"""

from __future__ import annotations

import opcode
import sys
import threading
from collections.abc import Callable
from types import CodeType, FrameType, FunctionType

from tenure._core import faults

ENTERS = ASYNC, SYNC = "__aenter__", "__enter__"
MISSING = object()

Entered = Callable[[FrameType, object], None]  # the function's frame and the manager

_RESUME, _CALL, _SEND, _AWAIT, _CACHE = (
    opcode.opmap[name] for name in ("RESUME", "CALL", "SEND", "GET_AWAITABLE", "CACHE")
)
_LOAD = opcode.opmap.get("LOAD_SPECIAL", -1)  # from 3.14 on
_BEFORE = frozenset(opcode.opmap.get(name, -1) for name in ("BEFORE_ASYNC_WITH", "BEFORE_WITH"))  # until 3.13
_BY_ENTER = 1  # the argument of GET_AWAITABLE behind an __aenter__
_NAMED, _PLACED, _OTHER = range(3)


class Calls:
    """Tells ``entered`` from ``start`` to ``stop``. ``sync``: of ``__enter__`` too."""

    def __init__(self, entered: Entered, *, sync: bool) -> None:
        self._entered = entered
        self._names = (ASYNC, SYNC) if sync else (ASYNC,)
        self._kinds: dict[int, tuple[int, CodeType]] = {}  # by address; the code is kept, so that no other gets it
        self._tool: int | None = None
        self._on = False  # the profile function is
        self._gaps = 0
        self.way = ""  # what tells us, for people

    def start(self) -> str:
        """Begin; what is in the way, "" if nothing."""
        if sys.version_info >= (3, 12):
            return self._start_monitoring()
        if sys.getprofile() is not None:
            return "all entries: another profile function is set"
        self.way, self._on = "sys.setprofile", True
        threading.setprofile(self._profile)
        sys.setprofile(self._profile)
        return ""

    def stop(self) -> str:
        """End; what was in the way meanwhile, "" if nothing."""
        if sys.version_info >= (3, 12):
            if self._tool is not None:
                monitoring = sys.monitoring
                monitoring.set_events(self._tool, monitoring.events.NO_EVENTS)
                monitoring.register_callback(self._tool, monitoring.events.PY_START, None)
                monitoring.free_tool_id(self._tool)
                self._tool = None
            return ""
        self._on = False
        threading.setprofile(None)
        if sys.getprofile() == self._profile:
            sys.setprofile(None)
            return "entries between a RecursionError and the next recorded entry" if self._gaps else ""
        return "entries after the program or a RecursionError removed the profile function"

    def go_on(self) -> None:
        """Until 3.11: the interpreter drops a profile function that the recursion limit kept from running."""
        if self._on and sys.getprofile() is None:
            self._gaps += 1
            sys.setprofile(self._profile)

    if sys.version_info >= (3, 12):

        def _start_monitoring(self) -> str:
            monitoring = sys.monitoring
            tool = next((tool for tool in (4, 3, 2) if monitoring.get_tool(tool) is None), None)
            if tool is None:
                return "all entries: other tools use all tool ids of sys.monitoring"
            self.way = "sys.monitoring"
            self._tool = tool
            monitoring.use_tool_id(tool, "tenure doctor")
            monitoring.register_callback(tool, monitoring.events.PY_START, self._started)
            monitoring.set_events(tool, monitoring.events.PY_START)
            return ""

        def _started(self, code: CodeType, _: int) -> object:
            frame = sys._getframe(1)  # noqa: SLF001  # the callback gets only the code
            return None if self._look(code, frame) else sys.monitoring.DISABLE

    def _profile(self, frame: FrameType, event: str, _: object) -> None:
        try:
            if event != "call":
                return
            code, at = frame.f_code, frame.f_lasti
            known = self._kinds.get(id(code))
            if known is not None and known[0] == _OTHER:
                return
            if at < 0 or (code.co_code[at] == _RESUME and code.co_code[at + 1] & 3 == 0):  # it begins, and not goes on
                self._look(code, frame)
        except RecursionError:
            pass

    def _look(self, code: CodeType, frame: FrameType) -> bool:
        """Tell of this call if it enters a manager; whether this function may do so again."""
        try:
            known = self._kinds.get(id(code))
            if known is None:
                known = self._kind(code, frame), code
                if self._on or known[0] != _OTHER:
                    self._kinds[id(code)] = known
            kind = known[0]
            if kind != _OTHER and (kind == _NAMED or is_statement(frame.f_back)):
                manager = first_argument(frame)
                if manager is not MISSING:
                    self._entered(frame, manager)
        except RecursionError:  # the program is about to meet it itself
            return True
        except Exception as error:  # noqa: BLE001  # never into the program
            faults.fault("watching the entry of a manager", error)
            return True
        return kind != _OTHER

    def _kind(self, code: CodeType, frame: FrameType) -> int:
        if code.co_name in self._names:
            return _NAMED
        if code.co_argcount and any(_in_place(type(first_argument(frame)), name) is code for name in self._names):
            return _PLACED
        return _OTHER


def first_argument(frame: FrameType) -> object:
    """What a function that begins was called on; MISSING where it takes nothing."""
    code = frame.f_code
    if not code.co_varnames:
        return MISSING
    value = frame.f_locals.get(code.co_varnames[0], MISSING)
    if code.co_argcount == 0:  # *arguments
        return value[0] if isinstance(value, tuple) and value else MISSING
    return value


def _in_place(kind: type, name: str) -> CodeType | None:
    for base in kind.__mro__:
        if name in base.__dict__:
            function = base.__dict__[name]
            return function.__code__ if isinstance(function, FunctionType) else None
    return None


def is_statement(frame: FrameType | None) -> bool:
    """Whether a ``with`` statement of this frame is calling, or awaiting what it called, to enter a manager."""
    if frame is None or frame.f_lasti < 0:
        return False
    codes, at = frame.f_code.co_code, frame.f_lasti
    while codes[at] == _CACHE and at > 0:  # 3.12 stands behind an instruction when a coroutine was entered from it
        at -= 2
    if codes[at] == _CALL:  # from 3.14 on; the method is loaded right before
        return codes[at - 2] == _LOAD
    if codes[at] == _SEND:  # what is sent lies between
        return any(codes[before] == _AWAIT and codes[before + 1] == _BY_ENTER for before in (at - 4, at - 6))
    return codes[at] in _BEFORE
