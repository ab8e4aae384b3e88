"""Secrets in texts of a special form: command lines, YAML blocks, name and value side by side, protocol commands.

Like every rule, each pattern takes a bounded number of steps at one position of a text.
"""

from __future__ import annotations

import re

from tenure.scrubbing.patterns import pattern
from tenure.scrubbing.words import HIDDEN, NAMES, is_random, is_secret_name

# YAML: `password: |`, and the lines below it that are indented further; also with the \n of a repr.
_NEW_LINE = r"(?:\r?\n|\\n)"
_BLOCK = pattern(
    rf"""(?P<before>(?P<indent>(?:(?<=\n)|(?<=\\n)|^)[ \t]{{0,60}})(?:-[ \t])?
         ["']?[\w.-]{{0,40}}?(?:{NAMES})[\w-]{{0,40}}["']?
         [ \t]{{0,4}}:[ \t]{{1,4}}[|>][+-]?\d?[ \t]{{0,4}}{_NEW_LINE}(?P=indent)[ \t]{{1,60}})
         [^\r\n\\]+(?:{_NEW_LINE}(?P=indent)[ \t]{{1,60}}[^\r\n\\]+)*""",
    re.IGNORECASE | re.VERBOSE,
)
# A name and a value beside it: <add key="ApiKey" value="x"/>, {"name": "DB_PASSWORD", "value": "x"}.
_ADJACENT = pattern(
    r"""(?P<before>(?<![\w-])(?:name|key|variable)\\?["']?\s{0,4}[:=]\s{0,4}\\?["']?(?P<name>[\w.-]{1,80})\\?["']?
        (?:,|\s|\\n){1,40}\\?["']?value\\?["']?\s{0,4}[:=]\s{0,4}(?:\\?["'])?)(?P<value>[^\s"'<>\\]+)""",
    re.IGNORECASE | re.VERBOSE,
)
_SENTENCE = pattern(
    r"(?P<before>\b(?:password|passwd|passphrase|passcode)\s{1,4}(?:(?:is|was)\s{1,4})?)(?P<value>[^\s'\"(<,;]{8,})",
    re.IGNORECASE,
)
_MYSQL = pattern(
    r"(?P<before>\b(?:mysql|mariadb|mycli)[\w.-]{0,20}['\"]?[^\n]{0,200}?[\s'\",]-p)(?P<value>[^\s'\",]{2,})"
)
_SSHPASS = pattern(r"(?P<before>\bsshpass['\"]?,?\s{1,4}['\"]?-p['\"]?,?\s{0,4}['\"]?)(?P<value>[^\s'\",]+)")
_DIGEST = pattern(r"(?P<before>\bdigest\s[^\n]{0,400}?\bresponse\s{0,4}=\s{0,4}\\?[\"']?)[^\s\"',\\]+", re.IGNORECASE)
# Protocol commands (RFC 1939, RFC 5321, Redis), written in capitals.
_COMMAND = pattern(
    r"(?P<before>(?<![\w-])(?:PASS|AUTH(?:\s{1,4}(?:PLAIN|LOGIN|default|[a-z]\w{0,40}))?)\s{1,4})(?P<value>[^\s'\"]{6,})"
)
_DIGIT, _LETTER = pattern(r"\d"), pattern(r"[^\W\d_]")
_PATH = pattern(r"[\w.-]*(?:/|\.\w{1,4}$|::)")
_PORT = pattern(r"\d{1,5}$")


def hide_blocks(text: str) -> str:
    """Hide the YAML blocks under secret names."""
    return _BLOCK.sub(_keep_before, text)


def hide_adjacent_values(text: str) -> str:
    """Hide the values that stand beside a secret name: ``{"name": "DB_PASSWORD", "value": "x"}``."""
    return _ADJACENT.sub(lambda match: _keep_before(match) if is_secret_name(match["name"]) else match[0], text)


def hide_in_sentences(text: str) -> str:
    """Hide the word after ``password is`` if it looks like a password."""
    return _SENTENCE.sub(lambda match: _keep_before(match) if _looks_generated(match["value"]) else match[0], text)


def hide_command_passwords(text: str) -> str:
    """Hide the passwords of ``mysql -pSECRET`` and ``sshpass -p SECRET``."""
    text = _MYSQL.sub(lambda match: match[0] if _PORT.match(match["value"]) else _keep_before(match), text)
    return _SSHPASS.sub(_keep_before, text)


def hide_digest_responses(text: str) -> str:
    """Hide the responses of digest authentication (RFC 7616)."""
    return _DIGEST.sub(_keep_before, text)


def hide_protocol_passwords(text: str) -> str:
    """Hide the passwords of ``PASS x`` and ``AUTH user x`` if they look like passwords."""
    return _COMMAND.sub(lambda match: _keep_before(match) if _looks_generated(match["value"]) else match[0], text)


def _keep_before(match: re.Match[str]) -> str:
    return f"{match['before']}{HIDDEN}"


def _looks_generated(value: str) -> bool:
    """Whether a word looks machine-generated: it mixes letters and digits, and is not a path or a file name."""
    if not is_random(value) or not _DIGIT.search(value) or not _LETTER.search(value) or _PATH.match(value):
        return False
    return value != value.lower() or len(value) >= 12
