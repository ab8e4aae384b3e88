"""Secrets are taken out of every text of a span before it is stored: a tracer does so itself, an SDK does not.

The rules are those of ``tenure.scrub``, which the collector may not import; a test holds both to the same cases. What
is found: the password in a URL or DSN (``postgres://user:secret@host``), and the value after a word that names a secret
(``password=secret``, ``"token": "secret"``, ``Authorization: Bearer secret``).
"""

from __future__ import annotations

import re

HIDDEN = "***"

# No pattern begins with what any text is full of ("[\w-]*" before the words): it would take the square of its length.
_WORDS = (
    r"pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?|authorization"
)
# One of these stands in whatever _AFTER_WORD or _BEARER finds; to look for them is thirty times as fast.
_HINTS = ("pass", "pwd", "secret", "token", "key", "credential", "authorization", "bearer", "basic")
_IN_URL = re.compile(r"(?P<before>[a-zA-Z0-9+.-]://[^\s:/@'\"]*:)[^\s@'\"]+(?=@)")
_AFTER_WORD = re.compile(
    rf"""(?P<before>(?:{_WORDS})['"]?\s*(?:[=:]|=>)\s*(?:bearer\s+|basic\s+)?)
         (?P<value>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,;&)\]}}'"]+)""",
    re.IGNORECASE | re.VERBOSE,
)
_BEARER = re.compile(r"(?P<before>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)


def scrub(text: str) -> str:
    """The text with the values of secrets replaced by ``***``."""
    if "://" in text:
        text = _IN_URL.sub(rf"\g<before>{HIDDEN}", text)
    lowered = text.lower()
    if not any(hint in lowered for hint in _HINTS):
        return text
    text = _AFTER_WORD.sub(_hide, text)
    return _BEARER.sub(rf"\g<before>{HIDDEN}", text)


def _hide(match: re.Match[str]) -> str:
    value = match["value"]
    quote = value[0] if value[0] in "\"'" else ""
    return f"{match['before']}{quote}{HIDDEN}{quote}"
