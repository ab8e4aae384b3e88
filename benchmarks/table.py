"""One benchmark's figures as lines of text, beside the figures of the baseline."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.results import Measured, Result

HEADING = f"  {'':58} {'now':>12} {'baseline':>12} {'change':>9}  {'unit':15} bound"
NOTE = "Changes of times and rates are in units of the yardstick, so a faster machine alone changes nothing."


def table(name: str, result: Result, baseline: Result | None) -> Iterator[str]:
    """A title, the heading, and one line for each figure."""
    stored = {figure.name: figure for figure in baseline.figures} if baseline else {}
    yield f"{name}: {_origin(baseline)}"
    yield HEADING
    yield from (_line(figure, stored.get(figure.name)) for figure in result.figures)


def _origin(baseline: Result | None) -> str:
    if baseline is None:
        return "no baseline stored"
    place = f"CPython {baseline.python}, {baseline.cores} cores, {baseline.system}"
    return f"baseline of {baseline.date[:10]}, commit {baseline.commit or 'unknown'}, {place}"


def _line(figure: Measured, stored: Measured | None) -> str:
    comparable = stored is not None and stored.unit == figure.unit
    before = f"{stored.value:,.2f}" if stored and comparable else "-"
    change = _change(figure.ratio, stored.ratio) if stored and comparable else "-"
    return (
        f"  {figure.name:58} {figure.value:>12,.2f} {before:>12} {change:>9}  {figure.unit:15} {figure.bound}".rstrip()
    )


def _change(now: float, before: float) -> str:
    """In percent; "-" where the baseline is zero or negative."""
    return f"{(now / before - 1) * 100:+.1f} %" if before > 0 else "-"
