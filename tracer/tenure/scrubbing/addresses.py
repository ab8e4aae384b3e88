"""Credentials in addresses: ``postgres://user:password@host``, ``https://token@host``, also percent-encoded ones.

Programs do not always percent-encode passwords: they may contain @, blanks, quotes and slashes. A text may also be cut
before the @ that ends the password. So Python code searches for the end of a password, within a bounded window.
"""

from __future__ import annotations

import re

from tenure.scrubbing.patterns import pattern
from tenure.scrubbing.words import HIDDEN, is_random

_WINDOW = 600  # characters after the scheme that are examined

_SLASHES = pattern(r"://|%(?:25)?3A%(?:25)?2F%(?:25)?2F|%3A//", re.IGNORECASE)
_USER = pattern(
    r"""[^\s:/?#@%'"<>(){}\[\],;|\\]*(?:%(?!(?:25)?(?:3A|40|2F))[^\s:/?#@%'"<>(){}\[\],;|\\]*)*""", re.IGNORECASE
)
_MAILBOX = pattern(
    r"""(?:@|%(?:25)?40)[^\s:/?#@%'"]{1,100}(?=(?::|%(?:25)?3A)(?!\d{1,5}(?:[/?#]|$))\S+?(?:@|%40))""", re.IGNORECASE
)
_COLON = pattern(r":|%(?:25)?3A", re.IGNORECASE)
_AT = pattern(r"(?:@|%(?:25)?40)(?=[\w\[%{<$-])", re.IGNORECASE)
_ENDING_AT = pattern(r"(?:@|%(?:25)?40)$", re.IGNORECASE)
_PORT = pattern(r"""\d{1,5}(?=[/?#\s,;.:)\]}'"<>`]|%2F|$)""", re.IGNORECASE)
# A host followed by a path: the password ends before it.
_HOST_AND_PATH = pattern(r"(?:@|%40)(?:[\w-]+\.[\w.-]+|localhost|[\w-]+(?=:\d))(?::\d{1,5})?[/?#]", re.IGNORECASE)
_UNTIL_BLANK = pattern(r"\S*")
_BLANKS = pattern(r"\S*(?:[ \t]\S*){1,3}")
_MORE_PASSWORD = pattern(r"[^\s@./:]{0,30}[ \t]\S{0,100}")
_CUT_PASSWORD = pattern(r"""[^\s/?#'"<>,;)\]}`]+""")
_TO_THE_END = pattern(r"""(?!['"])\S+(?:[ \t]\S+){0,1}(?<![.…'"),;\]}>])\Z""")
_PLACEHOLDER = pattern(r"[{$<%*/\[]|memory:|\.\.\.|…")
_SCHEME = pattern(r"[A-Za-z0-9+.-]{1,30}\Z")
_WEB = pattern(r"(?:https?|wss?|s?ftps?|nats)\Z", re.IGNORECASE)  # there a user without a password is a token

_PAIR = pattern(r"""(?<![\w/:@.+-])(?P<user>[\w.+-]{1,64}):(?P<password>[^\s:@/'"<>()]{4,100})(?=@[\w\[(])""")
_HOST_AND_PORT = pattern(r"@[\w.-]{1,100}:\d{2,5}(?!\d)")  # not a mailbox: "user:x@db:5432"
_NO_USERS = {
    "mailto",
    "email",
    "mail",
    "to",
    "from",
    "cc",
    "bcc",
    "user",
    "contact",
    "author",
    "owner",
    "acct",
    "xmpp",
    "sip",
}
_THIN = pattern(r"(?P<before>:thin:[^\s/@]{1,100}/)\S+?(?=@|\s|\Z)", re.IGNORECASE)  # Oracle's user/password@host


def hide_credentials(text: str) -> str:
    """Hide the passwords in the text's addresses, and the tokens that stand in the place of a user."""
    pieces: list[str] = []
    copied = 0
    for match in _SLASHES.finditer(text):
        begin, end = _credentials(text, match) if match.start() >= copied else (0, 0)
        if end > begin:
            pieces += [text[copied:begin], HIDDEN]
            copied = end
    return _THIN.sub(rf"\g<before>{HIDDEN}", "".join([*pieces, text[copied:]]))


def hide_passwords(text: str) -> str:
    """Hide the passwords of addresses without a scheme, ``me:password@host``, if they look like passwords."""
    return _PAIR.sub(_hide_random, text)


def _hide_random(match: re.Match[str]) -> str:
    is_named = match["user"].lower() not in _NO_USERS or _HOST_AND_PORT.match(match.string, match.end()) is not None
    is_secret = is_random(match["password"]) and is_named
    return f"{match['user']}:{HIDDEN}" if is_secret else match[0]


def _credentials(text: str, match: re.Match[str]) -> tuple[int, int]:
    """Find where the secret of this address begins and ends; (0, 0) if it has none."""
    start = match.end()
    window = _until_next_address(text[start : start + _WINDOW])
    user = _USER.match(window)
    assert user is not None
    mailbox = _MAILBOX.match(window, user.end())  # a user like me@example.org
    end_of_user = mailbox.end() if mailbox else user.end()
    is_web = _WEB.search(text, max(0, match.start() - 5), match.start()) is not None
    colon = _COLON.match(window, end_of_user)
    if colon is None:
        is_token = user[0] not in {"", HIDDEN} and (is_web or (len(user[0]) >= 16 and is_random(user[0])))
        return (start, start + user.end()) if is_token and _AT.match(window, user.end()) else (0, 0)
    begin = colon.end()
    if _PORT.match(window, begin):
        return 0, 0
    end = _end_of_password(window, begin)
    if end == 0:  # no @: the password was cut, or there is none
        is_last = start + len(window) == len(text)
        cut = (_TO_THE_END.match(window, begin) if is_last else None) or _CUT_PASSWORD.match(window, begin)
        if _PLACEHOLDER.match(window, begin):
            return 0, 0
        return (start + begin, start + cut.end()) if cut else (0, 0)
    return start if is_web else start + begin, start + end


def _until_next_address(window: str) -> str:
    """Cut the window before the next line and before the next address."""
    window = window.partition("\n")[0].partition("\r")[0]
    other = _SLASHES.search(window)
    if other is None:
        return window
    scheme = _SCHEME.search(window, max(0, other.start() - 30), other.start())
    return window[: scheme.start() if scheme else other.start()]


def _end_of_password(window: str, begin: int) -> int:
    """Find the @ before the host; 0 if there is none."""
    run = _UNTIL_BLANK.match(window, begin)
    assert run is not None
    host = _HOST_AND_PATH.search(window, begin, run.end())
    if host is not None:
        return host.start()
    at = _last_at(window, begin, run.end())
    if at is None:
        more = _BLANKS.match(window, begin)
        at = _last_at(window, begin, more.end()) if more else None
        return at.start() if at else 0
    more = _MORE_PASSWORD.match(window, at.end())
    further = _last_at(window, at.end(), more.end()) if more else None
    return further.start() if further else at.start()


def _last_at(window: str, begin: int, end: int) -> re.Match[str] | None:
    matches = list(_AT.finditer(window, begin, end))
    return matches[-1] if matches else _ENDING_AT.search(window[:end], max(begin, end - 4))
