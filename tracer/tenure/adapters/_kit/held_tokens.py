"""Who holds what was taken by a call, until the call that gives it back.

A *token* says which release ends which acquire. Where several uses of a token are open, a release ends the newest of
its own task, else the oldest. A token is known by its address as long as it lives, and is not kept alive.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable

from tenure import _probe_api as probe
from tenure._core import faults, probe_backend
from tenure._identify import tasks, tracer
from tenure._identify.open_uses import HeldToken

if probe_backend.SERVES:
    from tenure import _probe

WhenGone = Callable[[probe.Record], None]


def hold(token: object, record: probe.Record, when_gone: WhenGone | None = None) -> HeldToken:
    """Keep the record of an acquire that came to its end.

    ``when_gone(record)`` is called for each use that is open when the token is dropped; without it, what was dropped
    is held for ever (a pool has one connection less).
    """
    tokens = tracer.current.held_tokens
    held = tokens.get(id(token))
    if held is None or (held.reference is not None and held.reference() is not token):
        held = tokens[id(token)] = HeldToken(_reference_to(token), when_gone)
    elif held.reference is None:  # another object may have had this address
        held.records.clear()
    held.records.append(record)
    return held


def give_back(token: object, error: BaseException | None = None, *, is_counted: bool = False) -> probe.Record | None:
    """The record that the release of this token ends, now leaving; None where nobody recorded its acquire.

    ``error``: what left the body, where the release knows. ``is_counted``: the token may be released too often; a task
    that has released its own use, and has no other, ends no use.
    """
    tokens = tracer.current.held_tokens
    held = tokens.get(id(token))
    if held is None or not held.records:
        return None
    try:
        place = _place(held.records)
        if is_counted:
            task = tasks.current()
            if held.records[place][probe.TASK] == task:
                held.note_given_back(task)
            elif task in held.given_back:
                return None
        record = held.records.pop(place)
        if held.reference is None and not held.records:
            tokens.pop(id(token), None)
        probe.leaving(record, error)
    except Exception as fault:  # noqa: BLE001  # never into the program
        faults.fault("finding out what the release of a {} ends", fault, kind=type(token))
        return None
    return record


def end_lost(token: object) -> None:
    """End what its server or its library has closed."""
    record = give_back(token)
    if record is not None:
        probe.released(record, None)


def give_up(token: object) -> probe.Record | None:
    """Take out the record of a lock that its task gives up for a while; None where no call acquired it."""
    if probe_backend.SERVES:
        record = _probe.give_up(token)
        if record is not None:
            return record
    held = tracer.current.held_tokens.get(id(token))
    return held.records.pop(_place(held.records)) if held is not None and held.records else None


def hold_again(record: probe.Record, token: object) -> None:
    """Keep the record of a lock that was given up."""
    if probe_backend.SERVES:
        _probe.hold_again(record, token)  # type: ignore[arg-type]
    else:
        hold(token, record)


def has_given_back(token: object) -> bool:
    """Whether the running task has released a use of its own."""
    held = tracer.current.held_tokens.get(id(token))
    return held is not None and bool(held.given_back) and tasks.current() in held.given_back


def is_held(token: object) -> bool:
    """Whether an acquire of this token has not been given back."""
    held = tracer.current.held_tokens.get(id(token))
    return held is not None and bool(held.records)


def is_surely_held(token: object) -> bool:
    """The same, where it cannot be another object that had this address."""
    held = tracer.current.held_tokens.get(id(token))
    return held is not None and bool(held.records) and held.reference is not None and held.reference() is token


def newest(token: object) -> probe.Record | None:
    """The record of the newest acquire of this token that has not been given back; None where there is none."""
    return tracer.current.held_tokens[id(token)].records[-1] if is_held(token) else None


def _place(records: list[probe.Record]) -> int:
    if len(records) > 1:
        task = tasks.current()
        for place in range(len(records) - 1, -1, -1):
            if records[place][probe.TASK] == task:
                return place
    return 0


def _reference_to(token: object) -> weakref.ref[object] | None:
    """A weak reference that ends the token's uses when it is dropped; None: its type allows none."""
    address, tokens = id(token), tracer.current.held_tokens

    def gone(_: object) -> None:
        try:
            _end_dropped(tokens, address)
        except Exception as error:  # noqa: BLE001  # never into the program
            faults.fault("ending what was dropped", error)

    try:
        return weakref.ref(token, gone)
    except TypeError:
        return None


def _end_dropped(
    tokens: dict[int, HeldToken], address: int, is_finalizing: Callable[[], bool] = sys.is_finalizing
) -> None:
    held = tokens.pop(address, None)
    if held is None or held.when_gone is None or is_finalizing():
        return
    for record in held.records:
        held.when_gone(record)
