"""Tenure's collector in a process of its own, free ports, and the attributes of a span."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from tests.server.support.batches import Program
from tests.support.waiting import until

from tenure import wire


class Collector:
    """``tenure serve`` in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process = process
        self.url = url

    async def post(self, batch: wire.Batch) -> None:
        headers = {"Content-Type": wire.CONTENT_TYPE}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/v1/lifecycles", data=wire.encode(batch), headers=headers) as answer,
        ):
            assert answer.status == 200, await answer.text()

    async def exporter_when_done(self, seconds: float) -> dict[str, Any]:
        """What the API tells of its only exporter once nothing waits any more."""
        async with aiohttp.ClientSession() as session:

            async def done() -> dict[str, Any] | None:
                async with session.get(f"{self.url}/api/exporters") as answer:
                    exporter: dict[str, Any]
                    (exporter,) = (await answer.json())["items"]
                return None if exporter["waiting"] else exporter

            return await until(done, seconds)

    @asynccontextmanager
    async def alive(self, program: Program) -> AsyncIterator[None]:
        """The program sends its heartbeats."""

        async def beat() -> None:
            while True:
                await asyncio.sleep(2)
                await self.post(program.batch())

        task = asyncio.create_task(beat())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def kill(self) -> None:
        """As a crash would."""
        self.process.kill()
        await self.process.wait()


@asynccontextmanager
async def serving(store: Path, *arguments: str, **environment: str) -> AsyncIterator[Collector]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tenure", "serve", "--port", "0", "--store", f"sqlite:///{store}", *arguments),
        stdout=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if name != "TENURE_TOKEN"} | environment,
    )
    try:
        assert process.stdout
        async with asyncio.timeout(20):
            line = (await process.stdout.readline()).decode()
        address = re.search(r"http://\S+", line)
        assert address, line
        yield Collector(process, address[0])
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


async def listening(port: int, seconds: float = 20) -> None:
    """Wait until somebody listens there."""

    async def is_open() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    await until(is_open, seconds)


def values(attributes: list[KeyValue]) -> dict[str, Any]:
    return {
        attribute.key: getattr(attribute.value, str(attribute.value.WhichOneof("value"))) for attribute in attributes
    }
