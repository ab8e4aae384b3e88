"""How things are called when people read them: resources and durations.

Pure text, with no encoding: what a label may hold is the business of each output.
"""

from __future__ import annotations

import re

from tenure import semconv

_INSTANCE = re.compile(r"( of .*| #\d+|\[.*\])+$", re.DOTALL)
_MICROSECOND, _MILLISECOND, _SECOND = 1_000, 1_000_000, 1_000_000_000


def resource_label(kind: str, name: str, capacity: int | None) -> str:
    """Kind, name and capacity as a person wants them: "Lock stock_lock", "Pool orders (2)", "Connection".

    Kind and name are the name of the resource's spans. The capacity is left out where only one use at a time is
    possible.
    """
    label = semconv.resource_label(kind, name)
    return f"{label} ({capacity})" if capacity is not None and capacity > 1 else label


def process_label(service: str, pid: int) -> str:
    """The name of a process wherever people read it: "shop #28277"; without a pid, as of a sender of spans, "shop"."""
    name = service or "process"
    return f"{name} #{pid}" if pid > 0 else name


def name_in_source(name: str, stereotype: str) -> str:
    """The part of a lock's name that all locks of its line share: "Account.lock" for "Account.lock of left".

    Owner, key and ordinal tell locks apart; there are as many of them as there are locks. Other resources are named by
    the program or its configuration.
    """
    return _INSTANCE.sub("", name) if stereotype == "control" else name


def format_duration(ns: int) -> str:
    """Nanoseconds as people say them: "<1 µs", "25 µs", "0.3 ms", "120 ms", "1.00 s", "32 s", "2 min 5 s", "3 h 0 min".

    Each form is used up to where its rounding would spill over: 9.96 ms is "10 ms", never "10.0 ms".
    """
    return _short_duration(ns) if ns < 10 * _SECOND else _long_duration(_rounded(ns, _SECOND))


def _short_duration(ns: int) -> str:
    if ns < _MICROSECOND:
        return "<1 µs"
    if (us := _rounded(ns, _MICROSECOND)) < 100:
        return f"{us} µs"
    if (tenths := _rounded(ns, _MILLISECOND // 10)) < 100:
        return f"{tenths // 10}.{tenths % 10} ms".replace(".0 ", " ")
    if (ms := _rounded(ns, _MILLISECOND)) < 1_000:
        return f"{ms} ms"
    hundredths = _rounded(ns, _SECOND // 100)
    return f"{hundredths // 100}.{hundredths % 100:02d} s" if hundredths < 1_000 else "10 s"


def _long_duration(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 3_600:
        return f"{seconds // 60} min {seconds % 60} s"
    minutes = _rounded(seconds, 60)
    return f"{minutes // 60} h {minutes % 60} min"


def _rounded(value: int, unit: int) -> int:
    return (value + unit // 2) // unit


def is_server_error(status: int | None) -> bool:
    """Whether an HTTP status says that the server failed: 500 to 599."""
    return status in semconv.SERVER_ERRORS


def trace_name(task: str, kind: str, name: str, capacity: int | None, enter: str) -> str:
    """What a trace is called, by its root: "GET /orders/{id}" for a request, else "main: Pool orders (2)"."""
    return name if enter == "request" and name else f"{task}: {resource_label(kind, name, capacity)}"
