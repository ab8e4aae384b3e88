"""The message of an exception, made without running any of its code.

``str(error)`` may be the program's own ``__str__``, or call that of an argument. So only the interpreter's own
``__str__`` is called, and only where all that it reads is plain: an exact str, number, bytes, None, or a tuple of such.
Any other exception has no message, only its type.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import cast

from tenure._core import object_access

_LONGEST = 10_000  # characters of one of several arguments; a longer one would be copied
_LARGEST = 10**40  # the digits of a larger number take long to find
_DEEPEST = 3  # tuples in tuples

# The attributes that the __str__ of each builtin exception reads.
_READ: dict[type, tuple[str, ...]] = {
    BaseException: ("args",),
    AttributeError: ("args",),
    KeyError: ("args",),
    NameError: ("args",),
    OSError: ("args", "errno", "strerror", "filename", "filename2", "winerror"),
    ImportError: ("args", "msg"),
    SyntaxError: ("args", "msg", "filename", "lineno"),
    UnicodeEncodeError: ("encoding", "object", "reason"),
    UnicodeDecodeError: ("encoding", "object", "reason"),
    UnicodeTranslateError: ("object", "reason"),
    BaseExceptionGroup: ("message",),
}
_UNICODE = frozenset({UnicodeEncodeError, UnicodeDecodeError, UnicodeTranslateError})
_Str = Callable[[BaseException], str]
_Reader = Callable[[BaseException], object]


def _readers(kind: type, names: tuple[str, ...]) -> tuple[_Reader, ...]:
    descriptors = (object_access.of_class(kind, name) for name in names)
    return tuple(descriptor.__get__ for descriptor in descriptors if descriptor is not None)  # type: ignore[attr-defined]


_STR: dict[int, tuple[_Str, tuple[_Reader, ...]]] = {  # by address of the type
    id(kind): (cast("_Str", kind.__str__), _readers(kind, names)) for kind, names in _READ.items()
}
_arguments: _Reader = BaseException.__dict__["args"].__get__


def message_of(error: BaseException) -> str:
    """``str(error)`` where that runs no code of the program's, else ""."""
    for kind in object_access.mro(type(error)):
        known = _STR.get(id(kind))
        if known is not None:
            return _message(error, kind, *known)
        if "__str__" in object_access.namespace(kind):
            return ""
    return ""


def _message(error: BaseException, kind: type, to_str: _Str, readers: tuple[_Reader, ...]) -> str:
    if kind is BaseException:
        arguments = _arguments(error)
        if type(arguments) is tuple and len(arguments) == 1 and type(arguments[0]) is str:
            return arguments[0]  # as nearly always
    depth = 0 if kind not in _UNICODE else -1
    try:
        if all(_is_plain(read(error), depth) for read in readers):
            return to_str(error)
    except (AttributeError, TypeError, ValueError):  # an attribute is missing: the exception was made by hand
        return ""
    return ""


def _is_plain(value: object, depth: int = 0) -> bool:
    kind = type(value)
    if kind is str or kind is bytes:
        is_silent = kind is str or not sys.flags.bytes_warning  # else Python warns, and the program may notice
        return depth < 0 or (is_silent and len(value) <= _LONGEST)  # type: ignore[arg-type]
    if kind is int:
        return -_LARGEST < value < _LARGEST  # type: ignore[operator]
    if kind is tuple:
        return 0 <= depth < _DEEPEST and all(_is_plain(item, depth + 1) for item in value)  # type: ignore[attr-defined]
    return value is None or kind is bool or kind is float
