"""``tenure export``: converts a recording, or the records of a collector, to another format."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

from tenure.scrubbing import scrub
from tenure_server.errors import ServerError, UsageError
from tenure_server.export import file
from tenure_server.export.one_shot import send_all
from tenure_server.export.span_encoder import encode
from tenure_server.export.targets import HEADERS_VARIABLE, SCHEMES, Target, parse_headers
from tenure_server.model.records import OPEN_PHASES
from tenure_server.offline.documents import Document, html_document, json_document, mermaid_document, svg_document
from tenure_server.offline.progress import Progress
from tenure_server.offline.sources import Source, open_source

INCOMPLETE = 3  # exit code with --strict; also known to tenure.cli.process_end


def main(arguments: list[str]) -> int:
    """Write the export; answer 0, 2 if it cannot be made, or with --strict 3 if it leaves lifecycles out."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.dialect is not None and options.to != "mermaid":
        parser.error("--dialect is for --to mermaid")
    try:
        with open_source(options.source, _say, internal=options.internal) as source:
            if options.to == "otlp":
                _export_spans(source, options.trace, options.output)
                return 0
            document = _document(source, options)
            _write(options.output, [document.text])
    except ServerError as error:
        _say(str(error))
        return 2
    if document.left_out == 0:
        return 0
    _say_left_out(document, options)
    return INCOMPLETE if options.strict else 0


def _document(source: Source, options: argparse.Namespace) -> Document:
    name = scrub(options.source)
    if options.to == "mermaid":
        return mermaid_document(source, name, options.trace, options.dialect or "plain")
    if options.to == "svg":
        return svg_document(source, name, options.trace)
    if options.to == "json":
        return json_document(source, options.trace)
    return html_document(
        source, name, options.trace, Progress(_say, f"drawing {options.output or 'the page'}", "subjects")
    )


def _say_left_out(document: Document, options: argparse.Namespace) -> None:
    count, total = document.left_out, document.lifecycles + document.left_out
    remedy = " or ".join(document.remedy).replace("{source}", shlex.quote(options.source))
    subject = options.output or "the diagram"
    _say(f"{subject} leaves out {count} of {total} lifecycles (to get them: {remedy})")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tenure export", description="Convert a recording, or the records of a collector, to another format."
    )
    parser.add_argument("source", metavar="SOURCE", help="a recording (tenure run -o FILE.json), or a collector's URL")
    parser.add_argument(
        "--to",
        required=True,
        choices=["mermaid", "svg", "json", "html", "otlp"],
        help="mermaid: a diagram as text; svg: a diagram as a picture; json: lifecycles and steps; html: the"
        " dashboard as one page, without a collector; otlp: spans as OTLP/JSON, one request per line",
    )
    parser.add_argument(
        "--dialect",
        choices=["plain", "12"],
        help="with --to mermaid; plain: Mermaid 10 and later read it (default); 12: with the types of participants",
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="exit with code 3 if the export leaves lifecycles out; it is still written",
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
