"""rotel, another project's collector of OpenTelemetry data, between two others.

It needs a shared libpython of certain versions, so it has an environment of its own, whose Python is
$TENURE_INTEROP_PYTHON.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from tests.interop.otel.support import peers

PYTHON = os.environ.get("TENURE_INTEROP_PYTHON", "")


class Rotel(NamedTuple):
    """Its addresses: OTLP/HTTP, and OTLP/gRPC as ``tenure serve --otlp`` has it."""

    http: str
    grpc: str


@asynccontextmanager
async def rotel(target: str, directory: Path) -> AsyncIterator[Rotel]:
    """A running one that hands on to the target, gzipped: an address of OTLP/HTTP, or grpc://HOST:PORT."""
    query = "import rotel, sysconfig; print(rotel.__path__[0]); print(sysconfig.get_config_var('LIBDIR'))"
    process = await asyncio.create_subprocess_exec(PYTHON, "-c", query, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    package, libraries = out.decode().split()
    http, grpc = peers.free_port(), peers.free_port()
    protocol = "grpc" if target.startswith("grpc") else "http"
    process = await asyncio.create_subprocess_exec(
        *(f"{package}/rotel-agent", "start"),
        *("--otlp-http-endpoint", f"127.0.0.1:{http}", "--otlp-grpc-endpoint", f"127.0.0.1:{grpc}"),
        *("--exporter", "otlp", "--otlp-exporter-protocol", protocol, "--otlp-exporter-compression", "gzip"),
        *("--otlp-exporter-endpoint", target.replace("grpc://", "http://")),
        *("--otlp-exporter-retry-initial-backoff", "200ms", "--batch-timeout", "100ms"),
        *("--pid-file", str(directory / "rotel.pid"), "--log-file", str(directory / "rotel.log")),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "LD_LIBRARY_PATH": libraries},
    )
    try:
        await peers.listening(http)
        await peers.listening(grpc)
        yield Rotel(f"http://127.0.0.1:{http}", f"grpc://127.0.0.1:{grpc}")
    finally:
        process.terminate()
        try:
            async with asyncio.timeout(5):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
