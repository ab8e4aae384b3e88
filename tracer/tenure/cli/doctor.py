"""``tenure doctor``: reports on this machine, or on a program: what is recorded of it, what is missed, and why."""

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
from tenure.cli.environment import Options
from tenure.doctor import machine_check, report
from tenure.doctor.program_check import Examination
from tenure.errors import UsageError

_USAGE = "tenure doctor [options] [(script.py | -m module) [arguments of the program]]"
_Result = TypeVar("_Result")


def main(arguments: list[str]) -> int:
    """Report; exceptions of the program propagate. 2, with one line on stderr, if the request cannot be carried out."""
    own_arguments, rest = run.split_arguments(arguments)
    options = _parser().parse_args(own_arguments, Options())
    output = options.output.absolute() if options.output is not None else None  # the program may change its directory
    try:
        process_scrubber.configure(None)
        _check_writable(output)
        if not rest and not options.module:
            sys.stdout.write(
                _page(machine_check.examine(options.collector), machine_check.text, output, json=options.json)
            )
            return 0
    except UsageError as error:
        sys.stderr.write(f"tenure: {process_scrubber.line(str(error))}\n")
        return 2

    def write_report(result: report.ProgramReport) -> None:
        page = _page(result, report.text, output, json=options.json)
        with contextlib.suppress(OSError, ValueError):  # stderr is closed
            if sys.__stderr__ is not None:
                sys.__stderr__.write(page)
                sys.__stderr__.flush()

    def make_sinks() -> list[Sink]:
        sinks: list[Sink] = [] if options.collector is None else [session.to_collector(options.collector)]
        return sinks if options.otlp is None else [*sinks, otel_sinks.to_otlp(options.otlp)]

    examination = Examination(service=options.service, sync=options.sync, sinks=make_sinks, on_report=write_report)
    return run.execute(options, rest, examination.start, _USAGE)


def _page(result: _Result, text: Callable[[_Result], str], output: Path | None, *, json: bool) -> str:
    """Render the report; "" after it was written into the output file."""
    page = msgspec.json.format(msgspec.json.encode(result), indent=2).decode() + "\n" if json else text(result)
    if output is None:
        return page
    try:
        output.write_text(page)
    except OSError as error:
        say(f"cannot write {output}: {error.strerror} (choose another -o path)")
    return ""


def _check_writable(output: Path | None) -> None:
    """Check that the output file can be written, before the program runs.

    Raises:
        UsageError: it cannot be written.
    """
    if output is None:
        return
    try:
        with output.open("a"):
            pass
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror} (choose another -o path)") from None


def _parser() -> argparse.ArgumentParser:
    parser = run.make_parser(
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
