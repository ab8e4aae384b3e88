"""Takes secrets out of texts, for both sides: a leaf that imports the standard library alone.

The tracer scrubs every text before it leaves the process. The collector scrubs every text of a span before it is
stored. docs/secrets.md says what is hidden and what is shown.

    scrub(text)                  one text, by the table of rules in ``texts``
    scrub_expression(source)     source text: its literals become …, its names stay
    Scrubber(user rules, ...)    the same, then the user's patterns and callbacks, then a cut to the maximum length

    BadPattern                   one of the user's patterns cannot be used; names it and the remedy
"""

from tenure.scrubbing.expressions import ELIDED, scrub_expression
from tenure.scrubbing.scrubber import MAX_RAW, BadPattern, Callback, Scrubber, UserRules, from_variable, rule_list
from tenure.scrubbing.texts import scrub
from tenure.scrubbing.words import HIDDEN

__all__ = [
    "ELIDED",
    "HIDDEN",
    "MAX_RAW",
    "BadPattern",
    "Callback",
    "Scrubber",
    "UserRules",
    "from_variable",
    "rule_list",
    "scrub",
    "scrub_expression",
]
