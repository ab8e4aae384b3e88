"""Regular expressions that are compiled when they are first used: all at once would take 10 ms of a program's start."""

from __future__ import annotations

import re
from typing import cast


def pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    """What ``re.compile`` returns, as soon as one of its attributes is read."""
    return cast("re.Pattern[str]", _Pattern(text, flags))


class _Pattern:
    def __init__(self, text: str, flags: int) -> None:
        self._source = text, flags

    def __getattr__(self, name: str) -> object:
        """Keep each attribute here, so that it is read as quickly as that of the pattern itself."""
        value = getattr(re.compile(*self._source), name)
        setattr(self, name, value)
        return value
