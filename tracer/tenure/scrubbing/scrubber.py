"""The user's own patterns and callback, behind the table of rules; and the cut, which comes last."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from tenure.scrubbing.expressions import scrub_expression
from tenure.scrubbing.texts import scrub
from tenure.scrubbing.words import HIDDEN

MAX_RAW = 10_000  # characters of a text that are looked at; the rest is cut off before
_UNSURE = 300  # of what is left of a text that was cut: the cut may have halved a secret there

Callback = Callable[[str], str]
Own = str | re.Pattern[str] | Callback | Sequence[str | re.Pattern[str] | Callback]


class BadPattern(ValueError):
    """A pattern of the user's cannot be used; says which, why, and the remedy in brackets."""


def several(own: Own | None) -> list[str | re.Pattern[str] | Callback]:
    """The patterns and callbacks, be it one or many."""
    if own is None:
        return []
    return [own] if isinstance(own, str | re.Pattern) or callable(own) else list(own)


class Scrubber:
    """Hides what the table of rules finds, then what the user's patterns match, then asks the user's callbacks.

    What a pattern matches is hidden; where it has groups, only what they match. A callback gets each text that was
    scrubbed so far and returns it as it may be shown. One that raises or returns no text makes the whole text hidden;
    ``on_fault`` is told of the first such fault.

    Raises:
        BadPattern: a pattern is no regular expression, or matches the empty text.
    """

    def __init__(self, own: Own | None = None, on_fault: Callable[[BaseException], None] | None = None) -> None:
        parts = several(own)
        self.callbacks = [part for part in parts if callable(part)]
        self.patterns = [_pattern(part) for part in parts if not callable(part)]
        self._on_fault = on_fault
        self._has_failed = False

    def text(self, value: str, limit: int) -> str:
        """The text without secrets, at most ``limit`` characters long, without lone surrogates."""
        shown = self._by_own(scrub(value[:MAX_RAW]))
        if len(value) >= MAX_RAW:
            shown = shown[:-_UNSURE]
        return shown.encode("utf-8", "replace").decode()[:limit]

    def expression(self, source: str, limit: int) -> str:
        """Source text with its literals hidden, as ``text``."""
        shown = self._by_own(scrub_expression(source[:MAX_RAW]))
        return shown.encode("utf-8", "replace").decode()[:limit]

    def line(self, value: str) -> str:
        """A line for people, of any length; no callback is asked."""
        return self._by_patterns(scrub(value))

    def _by_own(self, text: str) -> str:
        text = self._by_patterns(text)
        for callback in self.callbacks:
            try:
                shown = callback(text)
                if not isinstance(shown, str):
                    raise TypeError(f"it returned a {type(shown).__name__}, not a str")  # noqa: TRY301
            except BaseException as error:  # noqa: BLE001  # it is the user's code; the text must not leave
                if not self._has_failed and self._on_fault is not None:
                    self._on_fault(error)
                self._has_failed = True
                return HIDDEN
            text = str(shown)
        return text

    def _by_patterns(self, text: str) -> str:
        for pattern in self.patterns:
            text = pattern.sub(_hide, text)
        return text


def from_variable(value: str, variable: str = "TENURE_SCRUB") -> list[str]:
    """The patterns of an environment variable: one a line, or ``@FILE``, a file of such lines.

    Empty lines and lines that begin with # are left out.

    Raises:
        BadPattern: the file cannot be read, or a line is no regular expression.
    """
    name = f"${variable}"
    if value.startswith("@"):
        name = f"{value[1:]} (${variable})"
        try:
            value = Path(value[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise BadPattern(f"cannot read {name}: {reason} (set ${variable}=@FILE, one pattern per line)") from None
    lines = [(number, line.strip()) for number, line in enumerate(value.splitlines(), 1)]
    patterns = [(number, line) for number, line in lines if line and not line.startswith("#")]
    for number, line in patterns:
        _pattern(line, f"{name}, line {number}: ")
    return [line for _, line in patterns]


def _pattern(given: object, where: str = "") -> re.Pattern[str]:
    try:
        pattern = re.compile(given)  # type: ignore[call-overload]
    except (re.error, RecursionError, OverflowError) as error:
        raise BadPattern(
            f"{where}invalid regular expression {given!r}: {error} (see Python's `re`;"
            " escape special characters with a backslash)"
        ) from None
    except TypeError:
        raise BadPattern(
            f"{where}{given!r} is neither a pattern nor a function (give a str, re.compile(...) or a function)"
        ) from None
    if not isinstance(pattern.pattern, str):
        raise BadPattern(f"{where}pattern {given!r} matches bytes, not str (write it as a str)")
    if pattern.search("") is not None:
        raise BadPattern(
            f"{where}pattern {given!r} matches the empty text (write one that matches at least one character)"
        )
    compiled: re.Pattern[str] = pattern
    return compiled


def _hide(match: re.Match[str]) -> str:
    """The whole match hidden, or each of its groups."""
    spans = sorted(match.span(number) for number in range(1, len(match.groups()) + 1) if match.start(number) >= 0)
    if not spans:
        return HIDDEN
    text, begin, done, pieces = match[0], match.start(), match.start(), []
    for first, last in spans:
        if first >= done:
            pieces += [text[done - begin : first - begin], HIDDEN]
            done = last
        elif last > done:  # a group within another
            done = last
    return "".join([*pieces, text[done - begin :]])
