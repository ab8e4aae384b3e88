"""Random programs, as text with marks where something is entered, acquired or released.

A mark is ``⟦sort:number:expression⟧``. Without its marks the text is Python (``Program.plain``); with calls in their
place (``Program.observed_text``) it reports to an observer. Both have the same lines.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_MARK = re.compile("⟦(\\w+):(\\d+):(.*?)⟧")


class Program(NamedTuple):
    """A module with a coroutine function ``main``; ``sync``: its ``with`` are recorded too."""

    text: str
    sync: bool
    long_held: int  # ticks after which a lifecycle gathers no more children
    eager: bool  # tasks begin before ``create_task`` returns

    def plain(self) -> str:
        return _MARK.sub(_plain, self.text)

    def observed_text(self) -> str:
        return _MARK.sub(lambda mark: f"{mark[1]}({mark[2]}, {mark[3]})", self.text)

    def expressions(self) -> dict[int, str]:
        """What stands at each mark."""
        return {int(mark[2]): _plain(mark) for mark in _MARK.finditer(self.text)}

    def __repr__(self) -> str:
        made = f"Program(sync={self.sync}, long_held={self.long_held}, eager={self.eager}, text='''\n{self.text}''')"
        return f"{made}\n--- without its marks ---\n{self.plain()}"


def _plain(mark: re.Match[str]) -> str:
    calls = {"acquiring", "acquiring_for", "releasing", "waiting", "closing"}
    return f"{mark[3]}()" if mark[1] in calls else mark[3]
