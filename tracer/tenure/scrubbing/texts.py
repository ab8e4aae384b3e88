"""The table of rules: which parts of a text are secrets.

A rule has hints: every text that the rule changes contains one of them, in lower case. Searching for a hint is much
faster than applying the rule. Each rule takes a bounded number of steps at one position of a text, so the work grows
with the text's length and not with its square.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from tenure.scrubbing import phrases
from tenure.scrubbing.addresses import hide_credentials, hide_passwords
from tenure.scrubbing.patterns import pattern
from tenure.scrubbing.values import KEY_HINTS, hide_values
from tenure.scrubbing.words import HIDDEN, is_random

_MARKUP = pattern(
    r"(?P<before><(?:[\w:.-]{0,40}?(?:passw|pwd|secret|token|credential|api_?key)[\w:.-]{0,40})(?:\s[^<>]{0,200})?>)"
    r"[^<]+",
    re.IGNORECASE,
)
_PEM = pattern(
    r"(?P<before>-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----)"
    r".*?(?P<after>-----END (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_BEARER = pattern(
    r"(?P<before>\b(?:bearer|basic|api-?key|negotiate)(?:\s{1,4}|%(?:25)?20|\+))(?P<value>[\w.~+/=%-]{8,})",
    re.IGNORECASE,
)
_USER = pattern(r"(?P<before>(?<!\S)(?:-u|--user|--proxy-user)[\s=]{1,4}['\"]?[^\s:'\"]{1,100}:)[^\s'\"]+")
_IDENTIFIED = pattern(
    r"(?P<before>\bidentified\s{1,4}by\s{1,4})(?:'[^']*(?:'|\Z)|\"[^\"]*(?:\"|\Z)|\S+)", re.IGNORECASE
)
# Hints, and the tokens that are recognised by their first letters.
_SHAPES: tuple[tuple[str, str], ...] = (
    ("eyj", r"eyJ[\w-]{8,}(?:\.[\w-]+){0,4}"),  # a JSON Web Token (RFC 7519)
    ("akia", r"AKIA[0-9A-Z]{8,}"),
    ("asia", r"ASIA[0-9A-Z]{8,}"),
    ("ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_\w{6,}"),
    ("github_pat_", r"github_pat_\w{6,}"),
    ("glpat-", r"gl(?:pat|ptt|dt|rt|soat)-[\w.-]{6,}"),
    ("xox", r"xox[a-z](?:\.xox[a-z])?-[\w-]{6,}"),
    ("xapp-", r"xapp-[\w-]{6,}"),
    ("hooks.slack", r"(?<=hooks\.slack\.com/services/)[\w/]+"),
    ("k_live_", r"[srp]k_live_\w{6,}"),
    ("k_test_", r"[srp]k_test_\w{6,}"),
    ("whsec_", r"whsec_[\w+/=]{6,}"),
    ("sk-", r"sk-(?=[\w-]{0,40}\d)[\w-]{12,}"),
    ("aiza", r"AIza[\w-]{10,}"),
    ("ya29.", r"ya29\.[\w-]{10,}"),
    ("npm_", r"npm_\w{16,}"),
    ("pypi-", r"pypi-(?=[\w-]{0,40}[A-Z0-9])[\w-]{16,}"),
    ("hf_", r"hf_\w{16,}"),
    ("sg.", r"SG\.[\w-]{10,}\.[\w-]{10,}"),
    ("shpat_ shpss_ shpca_ shppa_", r"shp(?:at|ss|ca|pa)_\w{10,}"),
    ("dop_v1_", r"dop_v1_\w{10,}"),
    ("bot", r"bot\d{6,}:[\w-]{20,}"),
    ("webhooks/", r"(?<=webhooks/)\d{6,}/[\w-]{8,}"),
    ("dckr_pat_", r"dckr_pat_[\w-]{10,}"),
    ("hvs.", r"hvs\.[\w-]{10,}"),
    ("age-secret-key-", r"(?i:AGE-SECRET-KEY-)\w{8,}"),
)
_SHAPE = pattern(rf"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{{2}}))(?:{'|'.join(shape for _, shape in _SHAPES)})")


class Rule(NamedTuple):
    """One rule: its name for people, its hints, and the function that hides."""

    name: str
    hints: tuple[str, ...]
    hide: Callable[[str], str]


def _keep_around(match: re.Match[str]) -> str:
    return f"{match['before']}{HIDDEN}{match['after']}"


def _keep_before(match: re.Match[str]) -> str:
    return f"{match['before']}{HIDDEN}"


def _keep_before_random(match: re.Match[str]) -> str:
    return f"{match['before']}{HIDDEN}" if is_random(match["value"]) else match[0]


# The order matters: private keys are hidden before any other rule sees their lines, and an address as a whole before
# its parts.
RULES: tuple[Rule, ...] = (
    Rule("private keys (PEM)", ("private key",), lambda text: _PEM.sub(_keep_around, text)),
    Rule("credentials in addresses", ("://", "%3a%2f%2f", "%3a//", ":thin:"), hide_credentials),
    Rule("credentials without a scheme", ("@",), hide_passwords),
    Rule("blocks of secret names", ("|", ">"), phrases.hide_blocks),
    Rule("values beside a secret name", ("value",), phrases.hide_adjacent_values),
    Rule("values of secret names", KEY_HINTS, hide_values),
    Rule("a password in a sentence", ("passw", "passphrase", "passcode"), phrases.hide_in_sentences),
    Rule("passwords of commands", ("mysql", "mariadb", "mycli", "sshpass"), phrases.hide_command_passwords),
    Rule("responses of digests", ("digest",), phrases.hide_digest_responses),
    Rule("passwords of protocols", ("pass ", "auth "), phrases.hide_protocol_passwords),
    Rule("elements of secret names", ("<",), lambda text: _MARKUP.sub(_keep_before, text)),
    Rule(
        "tokens behind their scheme",
        ("bearer", "basic", "apikey", "api-key", "negotiate"),
        lambda text: _BEARER.sub(_keep_before_random, text),
    ),
    Rule("user:password of a command", ("-u ", "-user"), lambda text: _USER.sub(_keep_before, text)),
    Rule("SQL's passwords", ("identified",), lambda text: _IDENTIFIED.sub(_keep_before, text)),
    Rule(
        "tokens by their shape",
        tuple(hint for hints, _ in _SHAPES for hint in hints.split()),
        lambda text: _SHAPE.sub(HIDDEN, text),
    ),
)


def scrub(text: str) -> str:
    """Replace every secret that a rule finds by ``***``."""
    lowered = text.lower()
    for _, hints, hide in RULES:
        for hint in hints:
            if hint in lowered:
                text = hide(text)
                break
    return text
