"""``tenure run``: runs a program and records it."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tenure import session
from tenure._core import faults, process_scrubber
from tenure._core.installation import has_command
from tenure._core.stderr import say
from tenure._rewriting.module_filter import ModuleFilter
from tenure._sinks import otel_sinks
from tenure._sinks.recording_sink import RecordingSink
from tenure._sinks.shipper import Sink
from tenure.cli import program
from tenure.errors import UsageError

Start = Callable[[str, ModuleFilter], None]

_DIAGRAM_FORMATS = {".mmd": "mermaid", ".html": "html"}  # a recording becomes these when the program ends
_USAGE = "tenure run [options] (script.py | -m module) [arguments of the program]"


def main(arguments: list[str]) -> int:
    """Run the program; its exceptions propagate. 2, with one line on stderr, if the request cannot be carried out."""
    own_arguments, rest = split_arguments(arguments)
    options = _parser().parse_args(own_arguments)

    def start(name: str, module_filter: ModuleFilter) -> None:
        _start(options, name, module_filter, _diagram_path(options.output))

    return execute(options, rest, start, _USAGE)


def execute(options: argparse.Namespace, rest: Sequence[str], start: Start, usage: str) -> int:
    """Load the program, call ``start(name, module_filter)`` to begin recording, and run it; as ``main``."""
    try:
        target = _prepare(options, rest, start, usage)
    except UsageError as error:
        session.cancel()
        sys.stderr.write(f"tenure: {process_scrubber.line(str(error))}\n")
        return 2
    program.execute(target)
    return 0


def _prepare(options: argparse.Namespace, rest: Sequence[str], start: Start, usage: str) -> program.Program:
    """Start the session and load ``__main__``."""
    if not rest:
        raise UsageError(f"no program given ({usage})")
    command = usage.partition(" [")[0]

    module_filter: ModuleFilter | None = None

    def start_or_not(name: str) -> None:
        nonlocal module_filter
        try:
            module_filter = ModuleFilter([Path.cwd()], options.include, options.exclude)
            start(name, module_filter)
        except UsageError:
            raise
        except Exception as error:  # noqa: BLE001  # a fault in Tenure: the program runs unrecorded
            session.give_up(error)

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


def _start(options: argparse.Namespace, name: str, module_filter: ModuleFilter, diagram: Path | None) -> None:
    process_scrubber.configure(None)
    sinks: list[Sink] = []
    if options.output is not None:
        sinks.append(RecordingSink(_recording_of(diagram) if diagram is not None else options.output))
    if options.otlp is not None:
        sinks.append(otel_sinks.to_otlp(options.otlp))
    if options.collector is not None or (options.output is None and options.otlp is None):
        sinks.append(session.to_collector(options.collector))
    session.start(options.service or session.environment_name() or name, sinks, module_filter, sync=options.sync)
    if diagram is not None:
        session.at_end(lambda: _draw_diagram(diagram))


def _diagram_path(output: Path | None) -> Path | None:
    """Return the path of the diagram to draw; None if ``-o`` names a recording or is not given.

    Raises:
        UsageError: the file cannot be written, or the server, which draws, is not installed.
    """
    if output is None or output.suffix == ".json":
        return None
    if output.suffix not in _DIAGRAM_FORMATS:
        known = "FILE.json, FILE.mmd or FILE.html"
        raise UsageError(f"cannot write {output}: unknown suffix {output.suffix!r} (-o takes {known})")
    if not has_command("export"):
        raise UsageError(f"drawing {output} needs the server, which is not installed (pip install 'tenure[server]')")
    try:
        is_new = not output.exists()
        with output.open("a"):
            pass
        if is_new:  # a killed program leaves its recording, but no empty diagram
            output.unlink()
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror} (choose another -o path)") from None
    return output.absolute()


def _recording_of(diagram: Path) -> Path:
    return diagram.with_name(f"{diagram.name}.recording.json")


def _draw_diagram(diagram: Path) -> None:
    """Turn the recording into a diagram; the recording stays if that fails."""
    recording = _recording_of(diagram)
    to = _DIAGRAM_FORMATS[diagram.suffix]
    command = [sys.executable, "-m", "tenure", "export", str(recording), "--to", to, "-o", str(diagram)]
    export = subprocess.run(command, check=False, stdin=subprocess.DEVNULL)  # noqa: S603  # Tenure's own command
    if export.returncode == 0:
        recording.unlink(missing_ok=True)
    else:
        say(f"{diagram} was not drawn; the records are in {recording} (tenure export {recording} --to {to})")


def _parser() -> argparse.ArgumentParser:
    return make_parser(
        prog="tenure run",
        usage=_USAGE,
        description="Run a program and record each `async with` of its own modules, and each use that an adapter sees.",
        collector="send the records to this collector (default: $TENURE_COLLECTOR, or http://127.0.0.1:4320; "
        "none with -o or --otlp); $TENURE_TOKEN holds the token",
        output="write a recording (.json), a Mermaid diagram (.mmd), or the dashboard with its diagrams as one page"
        " (.html); no collector is needed",
    )


def make_parser(prog: str, usage: str, description: str, collector: str, output: str) -> argparse.ArgumentParser:
    """Make the parser of a command that runs a program; ``collector`` and ``output`` are help texts."""
    parser = argparse.ArgumentParser(
        prog=prog,
        usage=usage,
        description=description,
        epilog="The exit code is that of the program.",
        allow_abbrev=False,
    )
    parser.add_argument("-m", dest="module", action="store_true", help="run a module or package, as `python -m` does")
    parser.add_argument("--collector", metavar="URL", help=collector)
    parser.add_argument(
        "--service",
        metavar="NAME",
        help="service name of the process (default: $OTEL_SERVICE_NAME, or the program's name)",
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
    at = 0
    while at < len(arguments):
        word = arguments[at]
        if word == "--":
            return own_arguments, list(arguments[at + 1 :])
        if word.startswith("-m"):
            return [*own_arguments, "-m"], [*filter(None, [word[2:]]), *arguments[at + 1 :]]
        if not word.startswith("-") or word == "-":
            break
        length = 2 if word in _OPTIONS_WITH_VALUE else 1
        own_arguments += arguments[at : at + length]
        at += length
    return own_arguments, list(arguments[at:])
