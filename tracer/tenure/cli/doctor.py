"""``tenure doctor``: this machine, or a program: what is recorded of it, what is missed and why."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from tenure import session
from tenure._core import process_scrubber
from tenure._core.stderr import say
from tenure._sinks import otel_sinks
from tenure._sinks.shipper import Sink
from tenure.cli import run
from tenure.doctor import machine_check, report
from tenure.doctor.program_check import Examination
from tenure.errors import UsageError

_USAGE = "tenure doctor [options] [(script.py | -m module) [arguments of the program]]"
_Found = TypeVar("_Found")


def main(arguments: list[str]) -> int:
    """Examine; what the program raises passes through. 2 for what cannot be done, with one line on stderr."""
    own, rest = run.split(arguments)
    options = _parser().parse_args(own)
    output = options.output.absolute() if options.output is not None else None  # the program may go elsewhere
    try:
        process_scrubber.configure(None)
        _check(output)
        if not rest and not options.module:
            sys.stdout.write(
                _page(machine_check.examine(options.collector), machine_check.text, output, json=options.json)
            )
            return 0
    except UsageError as error:
        sys.stderr.write(f"tenure: {process_scrubber.line(str(error))}\n")
        return 2

    def tell(found: report.Report) -> None:
        page = _page(found, report.text, output, json=options.json)
        with contextlib.suppress(OSError, ValueError):  # closed: there is nobody to tell
            if sys.__stderr__ is not None:
                sys.__stderr__.write(page)
                sys.__stderr__.flush()

    def sinks() -> list[Sink]:
        wanted: list[Sink] = [] if options.collector is None else [session.to_collector(options.collector)]
        return wanted if options.otlp is None else [*wanted, otel_sinks.to_otlp(options.otlp)]

    examination = Examination(service=options.service, sync=options.sync, sinks=sinks, tell=tell)
    return run.execute(options, rest, examination.start, _USAGE)


def _page(found: _Found, text: Callable[[_Found], str], output: Path | None, *, json: bool) -> str:
    """What is to be shown; "" if it went into the output's file."""
    page = msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n" if json else text(found)
    if output is None:
        return page
    try:
        output.write_text(page)
    except OSError as error:
        say(f"cannot write {output}: {error.strerror} (choose another -o path)")
    return ""


def _check(output: Path | None) -> None:
    """Find out that a file cannot be written before the program runs.

    Raises:
        UsageError: it cannot.
    """
    if output is None:
        return
    try:
        with output.open("a"):
            pass
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror} (choose another -o path)") from None


def _parser() -> argparse.ArgumentParser:
    parser = run.parser_of(
        prog="tenure doctor",
        usage=_USAGE,
        description="Without a program: report what is installed on this machine and what one record costs. "
        "With a program: run it like `tenure run`, then report on stderr what was recorded, what was missed, and why.",
        collector="without a program: check this collector (default: $TENURE_COLLECTOR, or http://127.0.0.1:4320); "
        "with a program: also send its records to this collector (default: send them nowhere)",
        output="write the report to this file",
    )
    parser.add_argument("--json", action="store_true", help="write the report as JSON")
    return parser
