"""Applies the table of rules, then the user's patterns and callbacks, then cuts the text to its maximum length."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from tenure.scrubbing.expressions import scrub_expression
from tenure.scrubbing.texts import scrub
from tenure.scrubbing.words import HIDDEN

MAX_RAW = 10_000  # characters of a text that are examined; the rest is cut off first
_UNSURE_CHARS = 300  # removed from the end of a text that was cut: the cut may have split a secret there

Callback = Callable[[str], str]
UserRules = str | re.Pattern[str] | Callback | Sequence[str | re.Pattern[str] | Callback]


class BadPattern(ValueError):
    """One of the user's patterns cannot be used; names the pattern, the reason, and the remedy in brackets."""


def rule_list(rules: UserRules | None) -> list[str | re.Pattern[str] | Callback]:
    """List the patterns and callbacks; a single one is a list of one, None an empty list."""
    if rules is None:
        return []
    return [rules] if isinstance(rules, str | re.Pattern) or callable(rules) else list(rules)


def without_middle(text: str, limit: int) -> str:
    """The text; a longer one by its start and its end, with "…" between them, in ``limit`` characters."""
    if len(text) <= limit:
        return text
    end = limit // 2
    return f"{text[: limit - end - 1]}…{text[len(text) - end :]}"


class Scrubber:
    """Hides what the table of rules finds, then what the user's patterns match, then calls the user's callbacks.

    The text that a pattern matches is hidden. If the pattern has groups, only the text of the groups is hidden. A
    callback gets the text scrubbed so far and returns the text to show. If it raises, or returns something other than a
    ``str``, the whole text is hidden; ``on_fault`` is called with the first such exception.

    Raises:
        BadPattern: a pattern is not a regular expression, or it matches the empty text.
    """

    def __init__(self, rules: UserRules | None = None, on_fault: Callable[[BaseException], None] | None = None) -> None:
        parts = rule_list(rules)
        self.callbacks = [part for part in parts if callable(part)]
        self.patterns = [_pattern(part) for part in parts if not callable(part)]
        self._on_fault = on_fault
        self._has_failed = False

    def text(self, value: str, limit: int, *, keep_end: bool = False) -> str:
        """Scrub a text; at most ``limit`` characters, without lone surrogates.

        ``keep_end``: a longer text loses its middle, not its end.
        """
        shown = self._apply_user_rules(scrub(value[:MAX_RAW]))
        if len(value) >= MAX_RAW:
            shown = shown[:-_UNSURE_CHARS]
        shown = shown.encode("utf-8", "replace").decode()
        return without_middle(shown, limit) if keep_end else shown[:limit]

    def expression(self, source: str, limit: int) -> str:
        """Scrub a source text: like ``text``, with its literals hidden."""
        shown = self._apply_user_rules(scrub_expression(source[:MAX_RAW]))
        return shown.encode("utf-8", "replace").decode()[:limit]

    def line(self, value: str) -> str:
        """Scrub a line for people, of any length; no callback is called."""
        return self._apply_patterns(scrub(value))

    def _apply_user_rules(self, text: str) -> str:
        text = self._apply_patterns(text)
        for callback in self.callbacks:
            try:
                shown = callback(text)
                if not isinstance(shown, str):
                    raise TypeError(f"it returned a {type(shown).__name__}, not a str")  # noqa: TRY301
            except BaseException as error:  # noqa: BLE001  # the user's code failed; the text must not be shown
                if not self._has_failed and self._on_fault is not None:
                    self._on_fault(error)
                self._has_failed = True
                return HIDDEN
            text = str(shown)
        return text

    def _apply_patterns(self, text: str) -> str:
        for pattern in self.patterns:
            text = pattern.sub(_hide, text)
        return text


def from_variable(value: str, variable: str = "TENURE_SCRUB") -> list[str]:
    """Read the patterns of an environment variable: one per line, or ``@FILE``, a file of such lines.

    Empty lines and lines that begin with # are ignored.

    Raises:
        BadPattern: the file cannot be read, or a line is not a regular expression.
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


def _pattern(pattern_text: object, where: str = "") -> re.Pattern[str]:
    try:
        pattern = re.compile(pattern_text)  # type: ignore[call-overload]
    except (re.error, RecursionError, OverflowError) as error:
        raise BadPattern(
            f"{where}invalid regular expression {pattern_text!r}: {error} (see Python's `re`;"
            " escape special characters with a backslash)"
        ) from None
    except TypeError:
        raise BadPattern(
            f"{where}{pattern_text!r} is neither a pattern nor a function (give a str, re.compile(...) or a function)"
        ) from None
    if not isinstance(pattern.pattern, str):
        raise BadPattern(f"{where}pattern {pattern_text!r} matches bytes, not str (write it as a str)")
    if pattern.search("") is not None:
        raise BadPattern(
            f"{where}pattern {pattern_text!r} matches the empty text (write one that matches at least one character)"
        )
    compiled: re.Pattern[str] = pattern
    return compiled


def _hide(match: re.Match[str]) -> str:
    """Hide the whole match, or each of its groups."""
    spans = sorted(match.span(number) for number in range(1, len(match.groups()) + 1) if match.start(number) >= 0)
    if not spans:
        return HIDDEN
    text, begin, copied, pieces = match[0], match.start(), match.start(), []
    for first, last in spans:
        if first >= copied:
            pieces += [text[copied - begin : first - begin], HIDDEN]
            copied = last
        elif last > copied:  # a group within another
            copied = last
    return "".join([*pieces, text[copied - begin :]])
