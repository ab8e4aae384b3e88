"""The words that name a secret, and the values of such names that are harmless."""

from __future__ import annotations

import re

from tenure.scrubbing.patterns import pattern

HIDDEN = "***"

# Names whose value is a secret with any separator.
NAMES = (
    r"passw(?:or)?d|passwort|kennwort|passphrase|pass_?code|pwd|secret|token|credential|authorization|cookie"
    r"|(?:api|access|private|account|encryption|signing|shared|master|storage|auth|session|subscription|client"
    r"|consumer|ssh|app|license|service)[_\s.-]?key|sharedaccess(?:key|signature)|accountkey"
    r"|session_?id|jsessionid|phpsessid|x-[\w-]{0,20}signature"
)
# Short names, which have other meanings in prose: only before `=`, in quotes, or as a command's option.
SHORT_NAMES = r"(?<![A-Za-z0-9])(?:sig|signature|pass|pw|auth|bearer|pin|otp|sid|(?-i:[A-Z][A-Z0-9_]{0,40}_KEY))"
WHOLE_LINE = pattern(r"authorization|cookie", re.IGNORECASE)

_HINT_WORDS = ("pass", "pwd", "secret", "token", "key", "credential", "authorization", "cookie", "kennwort", "session")
HINTS = (*_HINT_WORDS, "bearer", "sessid", "sig", "pw", "auth", "pin", "otp", "sid")

# Endings of names that contain a secret's word but hold no secret: token_count, SECRET_NAME, passwordLength.
_HARMLESS_END = pattern(
    r"(?:counts?|type|len|length|limit|size|bucket|policy|kind|ttl|expir\w*|index|budget|usage|used|field|file"
    r"|filename|path|dir|url|uri|endpoint|manager|provider|store|errors?|required|lifetime|age|name|status|scheme"
    r"|version|class|format|prefix|reset|hint|rotation|jar|auth|per_\w+|ids?_count|expires_(?:in|at))$",
    re.IGNORECASE,
)
_PLAIN_VALUES = pattern(
    r"(?:none|null|nil|true|false|undefined|missing|required|expired|invalid|empty|unknown|unset|not|no|yes|wrong"
    r"|optional|forbidden|unauthorized|denied|absent|ok|bad|incorrect|rejected|revoked|\*+|…|\.\.\.|%s|%r|\{\}|\?"
    r"|\$\d+|%\(\w{1,40}\)s)[.:!]?$",
    re.IGNORECASE,
)
_NUMBER = pattern(r"-?\d{1,12}(?:\.\d{1,9})?$")
_STATUS = pattern(r"[1-5]\d\d$")  # "it asks for a token: 401"
_DIRECTORY = pattern(r"(?:/|~|[A-Za-z]:\\)[^=:%]*$")


def is_harmless_name(word: str, suffix: str) -> bool:
    """Whether the suffix makes the name harmless: "tokenizer", "token_count"."""
    if not suffix or suffix in {"s", "S"} or suffix.strip("0123456789") == "":
        return False
    if suffix[0].islower() and word[-1:].islower():
        return not suffix.startswith(("s_", "s-")) or bool(_HARMLESS_END.search(suffix))
    return bool(_HARMLESS_END.search(suffix))


def is_harmless_value(word: str, suffix: str, value: str) -> bool:
    """Whether the value reveals nothing: "None", "missing", the name itself, a count of tokens, a directory."""
    if not value.strip() or _PLAIN_VALUES.match(value) or value.lower() == word.lower():
        return True
    if word.lower() in {"token", "authorization"} and _STATUS.match(value):
        return True
    if suffix in {"s", "S"} and _NUMBER.match(value):
        return True
    return word.lower() == "pwd" and bool(_DIRECTORY.match(value))


def is_random(value: str) -> bool:
    """Whether a word looks machine-generated: it has a digit, inner capitals, or ``=``."""
    has_inner_capitals = value[1:] != value[1:].lower() and value != value.upper()
    return any("0" <= sign <= "9" for sign in value) or has_inner_capitals or "=" in value


_SECRET_NAME = pattern(
    rf"(?P<word>{NAMES})(?P<suffix>\w{{0,40}})$|(?:^|_)(?:sig|signature|pass|pw|auth|pin|otp|sid|key|salt|code)$",
    re.IGNORECASE,
)


def is_secret_name(name: str) -> bool:
    """Whether a parameter or key of this name has a secret value."""
    match = _SECRET_NAME.search(name)
    return match is not None and (match["word"] is None or not is_harmless_name(match["word"], match["suffix"]))
