"""Secrets that stand where only the kind of text tells: on a command's line, in a block, beside a name, in a protocol.

Each pattern takes a bounded number of steps at one place of a text, as all rules do.
"""

from __future__ import annotations

import re

from tenure.scrubbing.words import HIDDEN, NAMES, is_random, is_secret_name

# YAML: `password: |`, and the lines below it that are further in; written with \n in a repr, too.
_NEW_LINE = r"(?:\r?\n|\\n)"
_BLOCK = re.compile(
    rf"""(?P<before>(?P<indent>(?:(?<=\n)|(?<=\\n)|^)[ \t]{{0,60}})(?:-[ \t])?
         ["']?[\w.-]{{0,40}}?(?:{NAMES})[\w-]{{0,40}}["']?
         [ \t]{{0,4}}:[ \t]{{1,4}}[|>][+-]?\d?[ \t]{{0,4}}{_NEW_LINE}(?P=indent)[ \t]{{1,60}})
         [^\r\n\\]+(?:{_NEW_LINE}(?P=indent)[ \t]{{1,60}}[^\r\n\\]+)*""",
    re.IGNORECASE | re.VERBOSE,
)
# A name and a value beside it: <add key="ApiKey" value="x"/>, {"name": "DB_PASSWORD", "value": "x"}.
_BESIDE = re.compile(
    r"""(?P<before>(?<![\w-])(?:name|key|variable)\\?["']?\s{0,4}[:=]\s{0,4}\\?["']?(?P<name>[\w.-]{1,80})\\?["']?
        (?:,|\s|\\n){1,40}\\?["']?value\\?["']?\s{0,4}[:=]\s{0,4}(?:\\?["'])?)(?P<value>[^\s"'<>\\]+)""",
    re.IGNORECASE | re.VERBOSE,
)
_SAID = re.compile(
    r"(?P<before>\b(?:password|passwd|passphrase|passcode)\s{1,4}(?:(?:is|was)\s{1,4})?)(?P<value>[^\s'\"(<,;]{8,})",
    re.IGNORECASE,
)
_MYSQL = re.compile(
    r"(?P<before>\b(?:mysql|mariadb|mycli)[\w.-]{0,20}['\"]?[^\n]{0,200}?[\s'\",]-p)(?P<value>[^\s'\",]{2,})"
)
_SSHPASS = re.compile(r"(?P<before>\bsshpass['\"]?,?\s{1,4}['\"]?-p['\"]?,?\s{0,4}['\"]?)(?P<value>[^\s'\",]+)")
_DIGEST = re.compile(
    r"(?P<before>\bdigest\s[^\n]{0,400}?\bresponse\s{0,4}=\s{0,4}\\?[\"']?)[^\s\"',\\]+", re.IGNORECASE
)
# Commands of protocols (RFC 1939, RFC 5321, Redis), which are written in capitals.
_COMMAND = re.compile(
    r"(?P<before>(?<![\w-])(?:PASS|AUTH(?:\s{1,4}(?:PLAIN|LOGIN|default|[a-z]\w{0,40}))?)\s{1,4})(?P<value>[^\s'\"]{6,})"
)
_DIGIT, _LETTER = re.compile(r"\d"), re.compile(r"[^\W\d_]")
_PATH = re.compile(r"[\w.-]*(?:/|\.\w{1,4}$|::)")
_PORT = re.compile(r"\d{1,5}$")


def hide_blocks(text: str) -> str:
    """The text with the blocks of secret names in its YAML hidden."""
    return _BLOCK.sub(_behind, text)


def hide_beside(text: str) -> str:
    """The text with the values that stand beside a secret's name hidden."""
    return _BESIDE.sub(lambda match: _behind(match) if is_secret_name(match["name"]) else match[0], text)


def hide_said(text: str) -> str:
    """The text with the password that a sentence says hidden, where it looks like one."""
    return _SAID.sub(lambda match: _behind(match) if _looks_made(match["value"]) else match[0], text)


def hide_options(text: str) -> str:
    """The text with the passwords of ``mysql -pSECRET`` and ``sshpass -p SECRET`` hidden."""
    text = _MYSQL.sub(lambda match: match[0] if _PORT.match(match["value"]) else _behind(match), text)
    return _SSHPASS.sub(_behind, text)


def hide_responses(text: str) -> str:
    """The text with the answers of digest authentication hidden (RFC 7616)."""
    return _DIGEST.sub(_behind, text)


def hide_commands(text: str) -> str:
    """The text with the passwords of ``PASS x`` and ``AUTH user x`` hidden, where they look like ones."""
    return _COMMAND.sub(lambda match: _behind(match) if _looks_made(match["value"]) else match[0], text)


def _behind(match: re.Match[str]) -> str:
    return f"{match['before']}{HIDDEN}"


def _looks_made(value: str) -> bool:
    """Whether a word of a sentence is no word: letters and digits together, capitals within; no path, no name."""
    if not is_random(value) or not _DIGIT.search(value) or not _LETTER.search(value) or _PATH.match(value):
        return False
    return value != value.lower() or len(value) >= 12
