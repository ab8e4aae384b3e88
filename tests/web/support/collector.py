"""A real collector in a process of its own, and programs' batches sent to it over HTTP."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from pathlib import Path

import aiohttp
import msgspec
from tests.server.support import batches

from tenure import wire

SERVE = [sys.executable, "-m", "tenure", "serve"]


class Collector:
    """``tenure serve`` on 127.0.0.1 with a store in ``directory``; it may be stopped and started again."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.directory = directory
        self.arguments = arguments
        self.port = 0
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def start(self) -> None:
        """Return when it is ready. Started again, it has the port and the store that it had."""
        store = f"sqlite:///{self.directory / 'tenure.sqlite'}"
        self._process = await asyncio.create_subprocess_exec(
            *SERVE,
            *("--port", str(self.port), "--store", store, *self.arguments),
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(20):
            line = (await self._process.stdout.readline()).decode()
        address = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        assert address is not None, f"the collector said {line!r}"
        self.port = int(address[1])

    async def stop(self) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            async with asyncio.timeout(10):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            raise

    async def post(self, batch: wire.Batch) -> None:
        headers = {"Content-Type": wire.CONTENT_TYPE}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}v1/lifecycles", data=wire.encode(batch), headers=headers) as answer,
        ):
            assert answer.status == 200, await answer.text()

    async def text(self, path: str) -> str:
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}{path}") as answer:
            assert answer.status == 200, await answer.text()
            return await answer.text()


class Program(batches.Program):
    """A program whose millisecond 0 is now, so that what it holds has been held for seconds, not years."""

    def __init__(self, number: int = 1, service: str = "shop") -> None:
        super().__init__(number, service)
        self._began_ns = time.time_ns()

    def batch(self, *, final: bool = False, dropped: dict[str, int] | None = None) -> wire.Batch:
        whole = super().batch(final=final, dropped=dropped)
        offset = batches.OFFSET_NS + self._began_ns - batches.START_NS
        process = msgspec.structs.replace(whole.process, started_wall_ns=self._began_ns)
        return msgspec.structs.replace(whole, clock_offset_ns=offset, process=process)
