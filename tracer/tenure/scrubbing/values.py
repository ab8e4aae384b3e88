"""Values of secret names: ``password=x``, ``"token": "x"``, ``Cookie: a=b``, ``--api-key x``.

A pattern finds the name and its separator. How the value begins, with a quote, a bracket or neither, decides where it
ends. A value without an end, because the text was cut, extends to the end of the text.
"""

from __future__ import annotations

import re

from tenure.scrubbing.patterns import pattern
from tenure.scrubbing.words import (
    HIDDEN,
    HINTS,
    NAMES,
    SHORT_NAMES,
    WHOLE_LINE,
    is_harmless_name,
    is_harmless_value,
    is_random,
)

KEY_HINTS = HINTS
_LONGEST_BRACKET = 4_000  # characters; a bracket that is not closed within them is hidden up to there

_QUOTE = r"""(?:\\{1,4}["']|["'`“”„‟‘’‚«»]|%(?:25)?2[27]|&(?:quot|apos|\#0?39|\#0?34|\#x27|\#x22);)"""
_SEPARATOR = r"(?:=>|:=|===?|=|:|＝|：|%(?:25)?3[AD])"
# A name and a separator; after a quoted name also a comma, ("Authorization", "..."); after a command's option a blank.
_KEY = pattern(
    rf"""(?P<option>(?<![\w-])--?(?:\w{{1,20}}-){{0,3}})?
         (?:(?P<word>{NAMES})|(?P<short>{SHORT_NAMES})|(?P<query>(?<=[?&])(?:key|code|ticket|jwt|sas)))
         (?P<suffix>[\w-]{{0,40}})
         (?:(?P<close>{_QUOTE})\]?\s{{0,4}}(?:(?P<pair>{_SEPARATOR})|,|\s(?=['"“‘]))
           |\]?\s{{0,4}}(?P<separator>{_SEPARATOR})
           |(?:\s{{1,4}}(?:(?:is|was)\s{{1,4}})?|\()(?=(?P<blank>['"“‘`]|(?<!\()[^\s-])))""",
    re.IGNORECASE | re.VERBOSE,
)
_SCHEME = (
    r"(?:bearer|basic|token|api-?key|digest|negotiate|aws4-hmac-sha256|oauth|hawk|signature)(?:\s{1,4}|%(?:25)?20|\+)"
)
_BEFORE_HEADER = pattern(rf"\s{{0,40}}(?:{_SCHEME}(?=\S))?(?:[bBrRfFuUtT]{{1,2}}(?=['\"]))?", re.IGNORECASE)
_BEFORE = pattern(r"\s{0,40}(?:(?:bearer|basic)\s{1,4}(?=\S))?(?:[bBrRfFuUtT]{1,2}(?=['\"]))?", re.IGNORECASE)
_OPENING_QUOTE = pattern(_QUOTE, re.IGNORECASE)
_ANY_CURLY = pattern(r"[“”„‟‘’‚«»]")
_IN_QUOTES = {quote: pattern(rf"(?:[^{quote}\\]|\\.|{quote}{quote}(?=\w))*", re.DOTALL) for quote in "\"'`"}
_SCHEME_WITHIN = pattern(_SCHEME, re.IGNORECASE)
_BRACKET = pattern(r"[^\W\d]{0,40}(?:\.[^\W\d]{1,40}){0,4}([(\[{])")  # also a call, whose name may have no digits
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_MARKS = pattern(r"""\\.|[()\[\]{}]|"(?:[^"\\]|\\.)*(?:"|\Z)|'(?:[^'\\]|\\.)*(?:'|\Z)""", re.DOTALL)
_ANGLE = pattern(r"<(?P<inner>[^<>]{0,200})(?:>|\Z)")
_OBJECT = pattern(r"<[^<>]{0,200} (?:at 0x[0-9a-f]+|object)[^<>]{0,40}>", re.IGNORECASE)
_LINE = pattern(r"(?:(?!\\[rn])[^\r\n])*")
_ONE_WORD = pattern(r"(?:bearer|basic|token|api-?key|negotiate)\s{1,4}\Z", re.IGNORECASE)
# A delimiter ends the value only if the value looks complete there: `,` does in "a=b, c", not in "hun,ter".
_BARE = pattern(
    r"""(?:[^\s,;&)\]}'"<>`“”‘’]
          |[,;&](?![\s'"\])}]|$|[\w.%-]{1,40}(?:=|:|%3D))
          |[)\]}'"’](?=[\w@!$%^*]))+""",
    re.VERBOSE,
)
_UNTIL_SEMICOLON = pattern(r"""[^;\r\n"']+""")
_AFTER_SEMICOLON = pattern(r";\s{0,4}(?:[\w-]{1,20}\s)?\Z")


def hide_values(text: str) -> str:
    """Hide the values of secret names."""
    pieces: list[str] = []
    copied = at = 0
    while (match := _KEY.search(text, at)) is not None:
        at = match.start("suffix")
        begin, end = _value(text, match)
        if end > begin:
            pieces += [text[copied:begin], HIDDEN]
            copied = at = end
    return "".join([*pieces, text[copied:]])


def _value(text: str, match: re.Match[str]) -> tuple[int, int]:
    """Find where the value begins and ends; (0, 0) if there is no value or it is not a secret."""
    word, suffix = match["word"] or match["short"] or match["query"], match["suffix"]
    if not _announces_secret(match, text, word, suffix):
        return 0, 0
    is_header = WHOLE_LINE.match(word) is not None
    before = (_BEFORE_HEADER if is_header else _BEFORE).match(text, match.end())
    assert before is not None
    begin = before.end()
    quote = _OPENING_QUOTE.match(text, begin)
    if quote is not None:
        begin, end = _quoted(text, quote)
    elif is_header and match["separator"] in {":", "："}:
        begin, end = _rest_of_line(text, match, begin)
    elif (bracket := _BRACKET.match(text, begin)) is not None:
        begin, end = _bracketed(text, bracket)
    elif (angle := _ANGLE.match(text, begin)) is not None:
        begin, end = (0, 0) if _OBJECT.match(text, begin) else angle.span("inner")
    elif match["separator"] == "=" and _AFTER_SEMICOLON.search(text, max(0, match.start() - 30), match.start()):
        value = _UNTIL_SEMICOLON.match(text, begin)
        end = value.end() if value else begin
    else:
        value = _BARE.match(text, begin)
        end = value.end() if value else begin
    value_text = text[begin:end]
    if is_harmless_value(word, suffix, value_text) or (_must_be_random(match) and not is_random(value_text)):
        return 0, 0
    return begin, end


def _must_be_random(match: re.Match[str]) -> bool:
    """Whether only a random value makes this name a secret: not SORT_KEY=id, not ?code=404."""
    return match["query"] is not None or (match["short"] or "").endswith("_KEY")


def _announces_secret(match: re.Match[str], text: str, word: str, suffix: str) -> bool:
    """Whether this name and its separator announce a secret."""
    is_assigned = match["separator"] not in {None, ":", "："}
    if match["query"] is not None:
        return is_assigned
    is_long = match["word"] is not None
    if is_harmless_name(word, suffix) if is_long else suffix:
        return False
    if match["blank"] is not None:  # `--password x`, `password 'x'`; but not "token 'x'", the wording of parsers
        is_prose = is_long and not suffix and word.lower() not in {"token", "cookie"}
        return match["option"] is not None or (is_prose and match["blank"] in "'\"“‘`")
    if is_long or match["close"] is None:
        return is_long or is_assigned
    opening = text[match.start() - 1 : match.start()]
    return opening in {"'", '"', "`", "“", "‘", match["close"][-1:]}


def _quoted(text: str, quote: re.Match[str]) -> tuple[int, int]:
    begin, sign = quote.end(), quote[0]
    if sign in _IN_QUOTES:
        if text.startswith(sign * 2, begin):  # three quotes
            end = text.find(sign * 3, begin + 2)
            begin, end = begin + 2, end if end >= 0 else len(text)
        else:
            inner = _IN_QUOTES[sign].match(text, begin)
            assert inner is not None
            end = inner.end()
            if end == len(text) - 1 and text[end] == "\\":  # the text was cut after a backslash
                end += 1
    elif len(sign) == 1:
        closing = _ANY_CURLY.search(text, begin)
        end = closing.start() if closing else len(text)
    else:
        closing_at = text.find(sign, begin)
        end = closing_at if closing_at >= 0 else len(text)
    scheme = _SCHEME_WITHIN.match(text, begin, end)
    return scheme.end() if scheme and scheme.end() < end else begin, end


def _rest_of_line(text: str, match: re.Match[str], begin: int) -> tuple[int, int]:
    """Find a header's value: the word after its scheme if it has one, else the rest of the line or of the quotes."""
    if _ONE_WORD.search(text, match.end(), begin) and (word := _BARE.match(text, begin)) is not None:
        return begin, word.end()
    line = _LINE.match(text, begin)
    assert line is not None
    if (quote := text[max(0, match.start() - 1) : match.start()]) in {"'", '"', "`"}:
        closing = text.find(quote, begin, line.end())
        return begin, closing if closing >= 0 else line.end()
    return begin, line.end()


def _bracketed(text: str, bracket: re.Match[str]) -> tuple[int, int]:
    """Find the content of the brackets."""
    begin = bracket.end()
    waiting = [_CLOSING[bracket[1]]]
    last = min(len(text), begin + _LONGEST_BRACKET)
    for mark in _MARKS.finditer(text, begin, last):
        if mark[0] in _CLOSING:
            waiting.append(_CLOSING[mark[0]])
        elif mark[0] == waiting[-1]:
            waiting.pop()
            if not waiting:
                return begin, mark.start()
    return begin, last
