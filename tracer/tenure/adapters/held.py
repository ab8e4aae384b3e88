"""Who holds what was taken by a call, until the call that gives it back.

A *token* says which release ends which acquire. Where several uses of a token are open, a release ends the newest of
its own task, else the oldest. A token is known by its address as long as it lives, and is not kept alive.
"""

from __future__ import annotations

import weakref

from tenure import buffer, probe, tasks

tokens: dict[int, _Held] = {}  # by address


class _Held:
    """The open uses of one token, oldest first."""

    __slots__ = ("records", "reference")

    def __init__(self, token: object) -> None:
        address = id(token)
        self.records: list[probe.Record] = []
        try:
            self.reference: weakref.ref[object] | None = weakref.ref(token, lambda _: tokens.pop(address, None))
        except TypeError:
            self.reference = None


def hold(token: object, record: probe.Record) -> None:
    """Keep the record of an acquire that came to its end."""
    held = tokens.get(id(token))
    if held is None or (held.reference is not None and held.reference() is not token):
        held = tokens[id(token)] = _Held(token)
    elif held.reference is None:  # another object may have had this address
        held.records.clear()
    held.records.append(record)


def give_back(token: object) -> probe.Record | None:
    """The record that the release of this token ends, now leaving; None where nobody recorded its acquire."""
    held = tokens.get(id(token))
    if held is None or not held.records:
        return None
    try:
        record = held.records.pop(_place(held.records))
        if held.reference is None and not held.records:
            tokens.pop(id(token), None)
        probe.leaving(record, None)
    except Exception as error:  # noqa: BLE001  # never into the program
        buffer.fault(f"finding out what the release of a {type(token).__qualname__} ends", error)
        return None
    return record


def is_held(token: object) -> bool:
    """Whether an acquire of this token has not been given back."""
    held = tokens.get(id(token))
    return held is not None and bool(held.records)


def _place(records: list[probe.Record]) -> int:
    if len(records) > 1:
        task = tasks.current()
        for place in range(len(records) - 1, -1, -1):
            if records[place][probe.TASK] == task:
                return place
    return 0


def forget_all() -> None:
    """Begin anew."""
    tokens.clear()
