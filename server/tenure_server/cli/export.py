"""``tenure export``: converts a recording, or the records of a collector, to another format."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from tenure.scrubbing import scrub
from tenure_server.diagram import mermaid
from tenure_server.diagram.steps import Step
from tenure_server.errors import ServerError, UsageError
from tenure_server.export import file
from tenure_server.export.one_shot import send_all
from tenure_server.export.span_encoder import encode
from tenure_server.export.targets import HEADERS_VARIABLE, SCHEMES, Target, parse_headers
from tenure_server.limits import MAX_DIAGRAM
from tenure_server.model.lens import Lens
from tenure_server.model.records import OPEN_PHASES, Lifecycle
from tenure_server.offline import archive
from tenure_server.offline.sources import Source, open_source


class Document(msgspec.Struct, frozen=True):
    """The document of ``--to json``: the lifecycles, oldest first, as in the API, and the steps of their diagram."""

    lifecycles: list[Lifecycle]
    steps: list[Step]
    earlier: int
    internal: int


def main(arguments: list[str]) -> int:
    """Write the export; answer 0, or 2 if it cannot be made."""
    options = _parser().parse_args(arguments)
    try:
        with open_source(options.source, _say, internal=options.internal) as source:
            if options.to == "otlp":
                _export_spans(source, options.trace, options.output)
            else:
                _write(options.output, [_MAKERS[options.to](source, scrub(options.source), options.trace)])
    except ServerError as error:
        _say(str(error))
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tenure export", description="Convert a recording, or the records of a collector, to another format."
    )
    parser.add_argument("source", metavar="SOURCE", help="a recording (tenure run -o FILE.json), or a collector's URL")
    parser.add_argument(
        "--to",
        required=True,
        choices=["mermaid", "json", "html", "otlp"],
        help="mermaid: a diagram as text; json: lifecycles and steps; html: the dashboard as one page, without a"
        " collector; otlp: spans as OTLP/JSON, one request per line",
    )
    parser.add_argument("--trace", metavar="ID", help="export only this trace (default: everything)")
    parser.add_argument(
        "--internal", action="store_true", help="export also what libraries and frameworks enter for their own ends"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="file to write (default: standard output); with --to otlp also the URL of an OpenTelemetry backend",
    )
    return parser


def _mermaid(source: Source, _: str, trace: str | None) -> str:
    return mermaid(source.diagram(Lens(trace=trace), MAX_DIAGRAM).steps)


def _json(source: Source, _: str, trace: str | None) -> str:
    diagram = source.diagram(Lens(trace=trace), MAX_DIAGRAM)
    document = Document(source.lifecycles(trace), diagram.steps, diagram.earlier, diagram.internal)
    return msgspec.json.encode(document).decode() + "\n"


def _html(source: Source, name: str, trace: str | None) -> str:
    return archive.render(archive.gather(source, trace), name)


_MAKERS: dict[str, Callable[[Source, str, str | None], str]] = {"mermaid": _mermaid, "json": _json, "html": _html}


def _export_spans(source: Source, trace: str | None, output: str | None) -> None:
    """Send spans to a backend, or write them as lines. Open lifecycles have no span; a message says how many."""
    open_ones = sum(lifecycle.phase in OPEN_PHASES for lifecycle in source.lifecycles(trace))
    if open_ones:
        _say(f"{open_ones} lifecycles are still open: they have no span yet and are not exported")
    if output is None or not output.startswith(tuple(f"{scheme}://" for scheme in SCHEMES)):
        _write(output, (file.line(encode(endings)) for endings in source.closed_lifecycles(trace)))
        return
    headers = parse_headers(os.environ.get(HEADERS_VARIABLE, ""))
    sent = send_all(source.closed_lifecycles(trace), Target.parse(output, headers=headers))
    _say(
        f"{sent.spans} spans sent to {output}" + (f", {sent.rejected} rejected: {sent.reason}" if sent.rejected else "")
    )


def _say(message: str) -> None:
    print(f"tenure: {scrub(message)}", file=sys.stderr)


def _write(output: str | None, pieces: Iterable[str]) -> None:
    """Write to the file, which is replaced when all pieces are written, or to standard output."""
    if output is None:
        _write_out(pieces)
        return
    path = Path(output)
    is_device = path.exists() and not path.is_file()
    partial = path if is_device else path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("w", encoding="utf-8") as stream:
            stream.writelines(pieces)
        if not is_device:
            partial.replace(path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror} (choose another -o path)") from None
    finally:
        if not is_device:
            partial.unlink(missing_ok=True)


def _write_out(pieces: Iterable[str]) -> None:
    """Write to standard output, until its reader has closed it (``tenure export ... | head``)."""
    try:
        for piece in pieces:
            sys.stdout.write(piece)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the interpreter's last flush fails
    except OSError as error:
        raise UsageError(f"cannot write to standard output: {error.strerror} (write to a file with -o)") from None
