"""``tenure doctor``: reports on this machine, or on a program: what is recorded of it, what is missed, and why."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from tenure import session
from tenure._core import faults, process_scrubber, process_tree
from tenure._core.process_tree import ProcessTree
from tenure._core.stderr import say
from tenure._rewriting.module_filter import ModuleFilter
from tenure._sinks import otel_sinks
from tenure._sinks.shipper import Sink
from tenure.cli import commands, environment, run
from tenure.cli.environment import Options
from tenure.doctor import machine_check, processes, report
from tenure.doctor.program_check import Examination
from tenure.errors import UsageError

_USAGE = "tenure doctor [options] [(script.py | -m module | -c code | command) [arguments of the program]]"
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
        words = rest if not rest or options.module or options.code else commands.for_this_python(rest)
    except UsageError as error:
        return run.refuse(error)

    tree, directory = _create_tree(options)
    if words is None:
        return _examine_command(options, rest, tree, directory, output)

    def report_root(result: report.ProgramReport) -> None:
        whole = msgspec.structs.replace(result, processes=_collect(tree, directory, result))
        _write_report(whole, report.text, output, json=options.json)

    examination = _examination(options, tree, directory, report_root)
    return run.execute(options, words, examination.start, _USAGE)


def begin(options: Options, name: str, module_filter: ModuleFilter, tree: ProcessTree, directory: Path) -> None:
    """Examine this process, which a program under ``tenure doctor`` started; its report goes into the directory."""
    process_scrubber.configure(None)
    _write_part(directory, None)
    _examination(options, tree, directory, partial(_write_part, directory)).start(name, module_filter)


def _examination(
    options: Options,
    tree: ProcessTree,
    directory: Path,
    on_report: Callable[[report.ProgramReport], None],
) -> Examination:
    def make_sinks() -> list[Sink]:
        sinks: list[Sink] = [] if options.collector is None else [session.to_collector(options.collector, tree)]
        return sinks if options.otlp is None else [*sinks, otel_sinks.to_otlp(options.otlp)]

    return Examination(
        service=options.service,
        sync=options.sync,
        sinks=make_sinks,
        on_report=on_report,
        on_fork_report=partial(_write_part, directory),
        tree=tree,
    )


def _create_tree(options: Options) -> tuple[ProcessTree, Path]:
    """The tree whose root this process is, and the directory of its processes' reports, by the environment."""
    environment.export(Options(**{**vars(options), "output": None}))
    directory = Path(tempfile.mkdtemp(prefix="tenure-doctor-"))
    os.environ[processes.VARIABLE] = str(directory)
    return process_tree.create(), directory


def _examine_command(
    options: Options, words: Sequence[str], tree: ProcessTree, directory: Path, output: Path | None
) -> int:
    try:
        status = commands.run_child(words)
    except UsageError as error:
        _collect(tree, directory)
        return run.refuse(error)
    result = report.CommandReport(processes.command(words), _collect(tree, directory))
    _write_report(result, report.command_text, output, json=options.json)
    return commands.end_with(status)


def _collect(
    tree: ProcessTree, directory: Path, result: report.ProgramReport | None = None
) -> list[report.ProcessReport]:
    """Read the reports of the other processes, and remove the files by which they know of each other."""
    try:
        return processes.read(directory, tree, result)
    except (OSError, msgspec.MsgspecError) as error:
        faults.fault("reading the reports of the other processes", error)
        return []
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        tree.close()


def _write_part(directory: Path, result: report.ProgramReport | None) -> None:
    with contextlib.suppress(OSError):  # the root has ended, and nobody reads it
        processes.write(directory, result)


def _write_report(result: _Result, text: Callable[[_Result], str], output: Path | None, *, json: bool) -> None:
    page = _page(result, text, output, json=json)
    with contextlib.suppress(OSError, ValueError):  # stderr is closed
        if sys.__stderr__ is not None:
            sys.__stderr__.write(page)
            sys.__stderr__.flush()


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
