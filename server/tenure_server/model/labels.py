"""How things are called when people read them: resources and durations.

Pure text, with no encoding: what a label may hold is the business of each output.
"""

from __future__ import annotations

_MICROSECOND, _MILLISECOND, _SECOND = 1_000, 1_000_000, 1_000_000_000


def short_kind(kind: str) -> str:
    """The last part of a qualified name: "asyncio.locks.Lock" -> "Lock".

    A method keeps its class ("shop.db.Pool.transaction" -> "Pool.transaction"), and a name made inside a function loses
    it ("shop.main.<locals>.Connection" -> "Connection").
    """
    parts = kind.rpartition("<locals>.")[2].split(".")
    last = parts[-1]
    is_method = len(parts) > 1 and last[:1].islower() and parts[-2].lstrip("_")[:1].isupper()
    return f"{parts[-2]}.{last}" if is_method else last


def resource_label(kind: str, name: str, capacity: int | None) -> str:
    """Kind, name and capacity as a person wants them: "Lock stock_lock", "Pool orders (2)", "Connection".

    The name is left out where it only repeats the kind, the capacity where one at most can hold the resource anyway.
    """
    short = short_kind(kind)
    repeats = _plain(name) in {"", _plain(short), _plain(short.rpartition(".")[2])}
    label = short if repeats else f"{short} {name}"
    return f"{label} ({capacity})" if capacity is not None and capacity > 1 else label


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


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


def trace_name(task: str, kind: str, name: str, capacity: int | None, enter: str) -> str:
    """What a trace is called, by its root: "GET /orders/{id}" for a request, else "main: Pool orders (2)"."""
    return name if enter == "request" and name else f"{task}: {resource_label(kind, name, capacity)}"
