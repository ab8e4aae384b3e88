"""``tenure run``: runs a program and records it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tenure import session
from tenure._core import faults, process_scrubber, process_tree
from tenure._core.children import children
from tenure._core.process_tree import ProcessTree
from tenure._rewriting.module_filter import ModuleFilter
from tenure._sinks import otel_sinks
from tenure._sinks.recording_sink import RecordingSink
from tenure._sinks.shipper import Sink
from tenure.cli import environment, installed_program, process_end, program, shadowed
from tenure.cli.environment import Options
from tenure.errors import UsageError

if TYPE_CHECKING:
    import argparse

Start = Callable[[str, ModuleFilter], None]

_USAGE = "tenure run [options] (script.py | -m module | -c code | command) [arguments of the program]"


def main(arguments: list[str]) -> int:
    """Run the program; its exceptions propagate. 2, with one line on stderr, if the request cannot be carried out."""
    from tenure.cli import commands  # noqa: PLC0415  # a process that records itself runs none

    own_arguments, rest = split_arguments(arguments)
    options = _parser().parse_args(own_arguments, Options())
    diagram, tree = None, None
    words: list[str] | None = rest
    try:
        diagram = process_end.diagram_path(options.output)
        tree = _tree(options)
        if rest and not options.module and not options.code:
            words = commands.for_this_python(rest)
    except UsageError as error:
        return refuse(error)
    except Exception as error:  # noqa: BLE001  # a fault in Tenure: the program runs, its children are not recorded
        faults.fault("preparing to record the program's processes", error)
    if words is None:
        try:
            return _run_command(options, rest, diagram, tree)
        except UsageError as error:
            return refuse(error)
    rest = words

    def start(name: str, module_filter: ModuleFilter) -> None:
        begin(options, name, module_filter, diagram, tree)

    return execute(options, rest, start, _USAGE)


def refuse(error: UsageError) -> int:
    """Write the error to stderr as one line, and return the exit code 2."""
    session.cancel()
    sys.stderr.write(f"tenure: {process_scrubber.line(str(error))}\n")
    return 2


def _tree(options: Options) -> ProcessTree | None:
    """The tree whose root this process is; its children are recorded by the environment."""
    if not options.children:
        os.environ.pop("TENURE_RECORD", None)
        os.environ.pop(process_tree.VARIABLE, None)
        return None
    environment.export(options)
    return process_tree.create()


def _run_command(options: Options, command: Sequence[str], diagram: Path | None, tree: ProcessTree | None) -> int:
    """Run a command whose Python processes record themselves."""
    from tenure.cli import commands  # noqa: PLC0415  # as above

    if tree is None:
        raise UsageError(f"{command[0]} is recorded by its processes, which --no-children leaves out (omit the option)")
    if options.output is not None:
        RecordingSink(process_end.recording_of(diagram) if diagram is not None else options.output).close(0.0)
    environment.export(options)
    status = commands.run_child(command)
    try:
        process_end.finish(tree, diagram, had_children=True)
    except Exception as error:  # noqa: BLE001  # the command ends as it ended
        faults.fault("ending the recording of a command", error)
    return commands.end_with(status)


def execute(options: Options, rest: Sequence[str], start: Start, usage: str) -> int:
    """Load the program, call ``start(name, module_filter)`` to begin recording, and run it; return as ``main`` does."""
    try:
        target = _prepare(options, rest, start, usage)
    except UsageError as error:
        return refuse(error)
    shadowed.give_way(sys.path[0])
    program.execute(target)
    return 0


def _prepare(options: Options, rest: Sequence[str], start: Start, usage: str) -> program.Program:
    """Start the session and load ``__main__``."""
    if not rest:
        raise UsageError(f"no program given ({usage})")
    command = usage.partition(" [")[0]

    module_filter: ModuleFilter | None = None

    def start_or_not(name: str) -> None:
        nonlocal module_filter
        try:
            kind = "module" if options.module else "command" if options.code else "script"
            include = environment.include(options, installed_program.packages(kind, rest[0], rest[1:]))
            module_filter = ModuleFilter([Path.cwd()], include, options.exclude)
            start(name, module_filter)
        except UsageError:
            raise
        except Exception as error:  # noqa: BLE001  # a fault in Tenure: the program runs unrecorded
            session.give_up(error)

    if options.code:
        start_or_not("python")
        return program.command(rest[0], rest[1:], sync=options.sync)
    if options.module:
        # The import hook is installed first: finding a module imports its packages.
        start_or_not(rest[0].rpartition(".")[2])
        target = program.load_module(rest[0], rest[1:], command=command)
    else:
        target = program.load_script(rest[0], rest[1:], sync=options.sync, command=command)
        start_or_not(target.name)
    try:
        if module_filter is not None:
            module_filter.add_root(target.directory)
    except Exception as error:  # noqa: BLE001  # a fault in Tenure: modules beside the program are not recorded
        faults.fault("choosing which modules to record", error)
    return target


def begin(
    options: Options,
    name: str,
    module_filter: ModuleFilter,
    diagram: Path | None,
    tree: ProcessTree | None,
    *,
    continues: bool = False,
) -> None:
    """Begin to record with these options.

    ``diagram`` is the diagram that is made of the recording when the root of the tree ends. ``continues``: another
    process of the tree has begun the recording.
    """
    process_scrubber.configure(None)
    sinks: list[Sink] = []
    if options.output is not None:
        recording = process_end.recording_of(diagram) if diagram is not None else options.output
        sinks.append(RecordingSink(recording, append=continues))
    if options.otlp is not None:
        sinks.append(otel_sinks.to_otlp(options.otlp))
    if options.collector is not None or (options.output is None and options.otlp is None):
        sinks.append(session.to_collector(options.collector, tree))
    service = options.service or environment.service() or name
    if tree is not None:
        os.environ[environment.PROGRAM] = service
    session.start(service, sinks, module_filter, sync=options.sync, tree=tree)
    if tree is None and diagram is not None:
        session.at_end(lambda: process_end.draw_diagram(diagram))
    elif tree is not None and tree.is_root:
        session.at_end(lambda: process_end.finish(tree, diagram, had_children=children.any))


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        prog="tenure run",
        usage=_USAGE,
        description="Run a program and record each `async with` of its own modules, and each use that an adapter sees.",
        collector="send the records to this collector (default: $TENURE_COLLECTOR, or http://127.0.0.1:4320; "
        "none with -o or --otlp); $TENURE_TOKEN holds the token",
        output="write a recording (.json), a diagram as Mermaid text (.mmd) or as a picture (.svg), or the dashboard"
        " with its diagrams as one page"
        " (.html); no collector is needed",
    )
    parser.add_argument(
        "--no-children",
        dest="children",
        action="store_false",
        help="do not record the Python processes that the program starts",
    )
    return parser


def make_parser(prog: str, usage: str, description: str, collector: str, output: str) -> argparse.ArgumentParser:
    """Make the parser of a command that runs a program; ``collector`` and ``output`` are help texts."""
    import argparse  # noqa: PLC0415  # a process that records itself parses nothing

    parser = argparse.ArgumentParser(
        prog=prog,
        usage=usage,
        description=description,
        epilog="The exit code is that of the program.",
        allow_abbrev=False,
    )
    parser.add_argument("-m", dest="module", action="store_true", help="run a module or package, as `python -m` does")
    parser.add_argument("-c", dest="code", action="store_true", help="run this text, as `python -c` does")
    parser.add_argument("--collector", metavar="URL", help=collector)
    parser.add_argument(
        "--service",
        metavar="NAME",
        help="service name of the process (default: $TENURE_SERVICE, $OTEL_SERVICE_NAME, or the program's name)",
    )
    parser.add_argument(
        "--include",
        metavar="PKG",
        action="append",
        default=[],
        help="also record the modules of this package; can be given several times",
    )
    parser.add_argument(
        "--exclude",
        metavar="PKG",
        action="append",
        default=[],
        help="do not record the modules of this package; can be given several times",
    )
    parser.add_argument(
        "--otlp",
        metavar="URL",
        help="send each lifecycle as a span to this OpenTelemetry backend or collector by OTLP/HTTP (for example"
        " http://127.0.0.1:4318); $OTEL_EXPORTER_OTLP_HEADERS holds the headers; no Tenure collector is needed",
    )
    parser.add_argument("--sync", action="store_true", help="also record `with` statements")
    parser.add_argument("-o", dest="output", metavar="FILE", type=Path, help=output)
    return parser


_OPTIONS_WITH_VALUE = {"--collector", "--otlp", "--service", "--include", "--exclude", "-o"}


def split_arguments(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split Tenure's own options from the program and its arguments, which begin at the first other word."""
    own_arguments: list[str] = []
    index = 0
    while index < len(arguments):
        word = arguments[index]
        if word == "--":
            return own_arguments, list(arguments[index + 1 :])
        if word[:2] in {"-m", "-c"} and not word.startswith("--"):
            return [*own_arguments, word[:2]], [*filter(None, [word[2:]]), *arguments[index + 1 :]]
        if not word.startswith("-") or word == "-":
            break
        length = 2 if word in _OPTIONS_WITH_VALUE else 1
        own_arguments += arguments[index : index + length]
        index += length
    return own_arguments, list(arguments[index:])
