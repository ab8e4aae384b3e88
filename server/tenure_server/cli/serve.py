"""``tenure serve``: the collector with its store and its dashboard."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys

from tenure.scrubbing import scrub
from tenure_server import settings as ways
from tenure_server.app import Server, create_app
from tenure_server.errors import ServerError, UsageError
from tenure_server.export.targets import HEADERS_VARIABLE, Target, parse_headers
from tenure_server.settings import Settings


def main(arguments: list[str]) -> int:
    """Run until SIGINT or SIGTERM; answer 0, or 2 if it cannot start."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="tenure: %(message)s", level=logging.WARNING)
    try:
        settings = _settings(options)
        ways.check_reach(settings)
        asyncio.run(_serve(settings))
    except ServerError as error:
        print(f"tenure: {scrub(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # before the signal handler is set
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tenure serve",
        description="Run the collector: receive lifecycles, store them and show them in the dashboard.",
    )
    parser.add_argument("--host", default=ways.DEFAULT_HOST, help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port",
        type=int,
        default=ways.DEFAULT_PORT,
        help="port to listen on, 0 picks a free one (default: %(default)s)",
    )
    parser.add_argument(
        "--store", metavar="sqlite:///PATH", help="file of the store (default: a file in the user's state directory)"
    )
    parser.add_argument(
        "--retention", default=ways.DEFAULT_RETENTION, help="how long to keep lifecycles (default: %(default)s)"
    )
    parser.add_argument(
        "--max-size", default=ways.DEFAULT_MAX_SIZE, help="maximum size of the store (default: %(default)s)"
    )
    parser.add_argument(
        "--otlp",
        metavar="URL",
        action="append",
        default=[],
        help="export each lifecycle as a span to this OpenTelemetry backend or collector: http://127.0.0.1:4318 for"
        " OTLP/HTTP, grpc://127.0.0.1:4317 for gRPC (needs tenure-server[grpc]);"
        f" ${HEADERS_VARIABLE} holds the headers; can be given several times",
    )
    parser.add_argument(
        "--token", help=f"require this bearer token on every request and at login (default: ${ways.TOKEN_VARIABLE})"
    )
    parser.add_argument(
        "--ingest-token",
        metavar="TOKEN",
        help="separate token that is valid only for POST /v1/lifecycles and POST /v1/traces"
        f" (default: ${ways.INGEST_TOKEN_VARIABLE}); if only one of the two tokens is set, it is valid for everything",
    )
    parser.add_argument(
        "--allow-host",
        metavar="NAME",
        action="append",
        default=[],
        help="accept this host name in requests, for example a proxy's (localhost, --host and the address"
        " itself are always accepted); can be given several times",
    )
    return parser


def _settings(options: argparse.Namespace) -> Settings:
    if not 0 <= options.port <= 65_535:
        raise UsageError(f"invalid --port {options.port} (give a number from 0 to 65535)")
    for option, token in (("--token", options.token), ("--ingest-token", options.ingest_token)):
        if token == "":
            raise UsageError(f"{option} is empty (give a token, or omit the option)")
    headers = parse_headers(os.environ.get(HEADERS_VARIABLE, ""))
    return Settings(
        host=options.host,
        port=options.port,
        store=ways.parse_store(options.store) if options.store is not None else ways.default_store(),
        token=options.token or os.environ.get(ways.TOKEN_VARIABLE) or None,
        ingest_token=options.ingest_token or os.environ.get(ways.INGEST_TOKEN_VARIABLE) or None,
        allow_hosts=tuple(options.allow_host),
        retention_ns=ways.parse_duration(options.retention),
        max_bytes=ways.parse_size(options.max_size),
        scrub=ways.parse_scrub(os.environ.get(ways.SCRUB_VARIABLE, "")),
        otlp=tuple(Target.parse(url, headers=headers) for url in options.otlp),
    )


async def _serve(settings: Settings) -> None:
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, end.set)
        except NotImplementedError:  # this platform's loop has no signal handlers: it raises KeyboardInterrupt
            break
    server = Server(create_app(settings))
    url = await server.start()
    try:
        gc.collect()
        gc.freeze()  # a full collection stops the loop: it skips all modules imported so far
        print(f"Tenure: dashboard and collector at {url} (store {settings.store})", flush=True)
        await end.wait()
    finally:
        await server.stop()
