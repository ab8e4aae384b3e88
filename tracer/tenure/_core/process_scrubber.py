"""The scrubber of this process: the table of rules, then $TENURE_SCRUB, then ``tenure.install(scrub=...)``.

Every text that leaves the process passes it exactly once: what a batch carries when its tables are made, and lines for
stderr and reports when they are written.
"""

from __future__ import annotations

import os

from tenure._core import faults
from tenure.errors import UsageError
from tenure.scrubbing import BadPattern, Scrubber, UserRules, from_variable, rule_list
from tenure.wire_constants import MAX_STRING

VARIABLE = "TENURE_SCRUB"
_KEPT, _LONGEST_KEPT = 4_096, 200  # texts that are remembered with their scrubbed form; characters of one


class _Configured:
    """What ``configure`` sets."""

    def __init__(self) -> None:
        self.scrubber = Scrubber()
        self.texts: dict[tuple[str, int], str] = {}  # by text and limit: its scrubbed form


_process = _Configured()


def configure(own: UserRules | None) -> None:
    """Scrub from now on by these patterns and callbacks, and those of the environment.

    Raises:
        UsageError: a pattern is no regular expression, or the file of $TENURE_SCRUB cannot be read.
    """
    try:
        patterns = from_variable(os.environ.get(VARIABLE, ""), VARIABLE)
        _process.scrubber = Scrubber([*patterns, *rule_list(own)], _fault)
    except BadPattern as error:
        raise UsageError(str(error)) from None
    forget_texts()


def forget_texts() -> None:
    """Scrub every text again."""
    _process.texts.clear()


def calls_the_program() -> bool:
    """Whether a text is given to a callback of the user's; then only the shipping thread may scrub."""
    return bool(_process.scrubber.callbacks)


def text(value: str, limit: int = MAX_STRING) -> str:
    """Text that may leave the process: scrubbed, then cut, without lone surrogates."""
    if len(value) > _LONGEST_KEPT:
        return _process.scrubber.text(value, limit)
    texts = _process.texts
    scrubbed = texts.get((value, limit))
    if scrubbed is None:
        if len(texts) >= _KEPT:
            texts.clear()
        scrubbed = texts[value, limit] = _process.scrubber.text(value, limit)
    return scrubbed


def message(value: str, limit: int) -> str:
    """The message of an exception, as ``text``: a long one keeps its start and its end, where its point may stand."""
    return _process.scrubber.text(value, limit, keep_end=True) if len(value) > limit else text(value, limit)


def expression(source: str) -> str:
    """Source text that may leave the process."""
    return _process.scrubber.expression(source, MAX_STRING)


def line(value: str) -> str:
    """A line for people, on stderr or in a report; the user's callback is not asked."""
    return _process.scrubber.line(value)


def _fault(error: BaseException) -> None:
    faults.fault(
        "the scrubbing callback", error if isinstance(error, Exception) else RuntimeError(type(error).__name__)
    )
