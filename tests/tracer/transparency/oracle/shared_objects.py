"""Statements of random programs that use what several tasks share: a condition, or a client that is kept."""

from __future__ import annotations

import textwrap
from typing import Any


def on_condition(writer: Any, place: Any, depth: int) -> str:
    if not place.awaits:
        return "say('no condition')"
    wait, entry = f"await {writer.mark('waiting', 'cond0.wait')}", writer.mark("observed", "cond0")
    body = writer.block(place, depth - 1, 2)
    ways = [
        f"async with {entry}:\n    {wait}\n{body}",
        f"async with {entry}:\n{body}\n    {wait}",
        f"async with {entry}:\n    for i in range(2):\n        {wait}",
        f"async with {entry}:\n    cond0.notify_all()\n{body}",
        f"async with {entry}:\n    cond0.notify()",
    ]
    return writer.pick(*ways * 4, wait, "cond0.notify()")


def meet(writer: Any, place: Any, depth: int) -> str:
    """Some wait for the condition and some notify."""
    if not place.awaits:
        return "say('nobody')"
    calls = [writer.pick("waits0()", "notifies0()", "waits0()") for _ in range(writer.pick(2, 3, 4))]
    return f"await asyncio.wait({{*map(asyncio.ensure_future, ({', '.join(calls)}))}}, timeout={writer.pick(3, 9)})"


def make_client(writer: Any, place: Any, depth: int) -> str:
    """A client that is kept, so that it is not dropped: closed by a call, by a statement, by both or never."""
    if not place.awaits:
        return "say('no client')"
    mark = writer.mark("making", "Client()")
    name = f"client{writer.marks}"
    made = f"{name} = {mark}\nkept.append({name})"
    body = writer.block(place, depth - 1)
    closing, again = (f"await {writer.mark('closing', f'{name}.close')}" for _ in range(2))
    statement = f"async with {writer.mark('observed', name)}:\n{body}"
    return writer.pick(
        f"{made}\ntry:\n{body}\nfinally:\n    {closing}",
        f"{made}\n{textwrap.dedent(body)}",
        f"{made}\n{statement}",
        f"{made}\n{closing}\n{statement}",
        f"{made}\n{statement}\n{again}",
        f"{made}\nasync with {writer.mark('observed', name)}:\n    {closing}\n{body}",
    )
