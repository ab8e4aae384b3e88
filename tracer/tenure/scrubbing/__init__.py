"""Takes secrets out of texts, for both sides: a leaf that imports the standard library alone.

The tracer scrubs every text before it leaves the process, the collector every text of a span before it is stored.
docs/secrets.md says what is hidden and what is shown.

    scrub(text)                  one text by the table of rules in ``texts``
    scrub_expression(source)     source text: its literals become …, its names stay
    Scrubber(own patterns, ...)  the same, then the user's patterns and callback, then the cut to a length

    BadPattern                   a pattern of the user's cannot be used; says which, and the remedy
"""

from tenure.scrubbing.expressions import ELIDED, scrub_expression
from tenure.scrubbing.scrubber import MAX_RAW, BadPattern, Callback, Own, Scrubber, from_variable, several
from tenure.scrubbing.texts import scrub
from tenure.scrubbing.words import HIDDEN

__all__ = [
    "ELIDED",
    "HIDDEN",
    "MAX_RAW",
    "BadPattern",
    "Callback",
    "Own",
    "Scrubber",
    "from_variable",
    "scrub",
    "scrub_expression",
    "several",
]
