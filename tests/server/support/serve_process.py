"""``tenure serve`` in a process of its own, and the processes around it."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from tests.server.support.collector import Clock

from tenure import wire
from tenure_server.store.sqlite import SqliteStore


class Serving:
    """A collector in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, line: str) -> None:
        self.process = process
        self.line = line
        address = re.search(r"http://\S+", line)
        self.url = address[0] if address else ""

    async def ended(self) -> tuple[int, str]:
        """Its exit code and what it wrote to stderr."""
        assert self.process.stderr
        async with asyncio.timeout(10):
            errors = (await self.process.stderr.read()).decode()
            return await self.process.wait(), errors


@asynccontextmanager
async def serving(*arguments: str, **environment: str) -> AsyncIterator[Serving]:
    """It leads a process group, as a program started from a shell does."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tenure", "serve", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        process_group=0,
        env={name: value for name, value in os.environ.items() if name != "TENURE_TOKEN"} | environment,
    )
    try:
        assert process.stdout
        async with asyncio.timeout(20):
            line = (await process.stdout.readline()).decode()
        yield Serving(process, line)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def post(url: str, batch: wire.Batch) -> int:
    headers = {"Content-Type": wire.CONTENT_TYPE}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/v1/lifecycles", data=wire.encode(batch), headers=headers) as answer,
    ):
        return answer.status


def children(pid: int) -> list[int]:
    """The child processes of a process, without zombies."""
    pids = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = _stat(int(place.name))
        except OSError:
            continue
        if parent == pid and state != "Z":
            pids.append(int(place.name))
    return pids


class Started:
    """The processes that this one has started since a test began; other tests' servers may live longer."""

    def __init__(self) -> None:
        self._before = set(children(os.getpid()))

    @property
    def now(self) -> list[int]:
        """Their pids, without zombies."""
        return [pid for pid in children(os.getpid()) if pid not in self._before]


class FileStore(SqliteStore):
    """A store in a file, which another process can read, and a note of the processes that were there before it."""

    def __init__(self, path: Path, clock: Clock) -> None:
        super().__init__(path, clock)
        self.started = Started()


def is_there(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return _stat(pid)[0] != "Z"
    except OSError:
        return False


def shown_of(pid: int) -> bytes:
    """What others on the machine can read of a process: its arguments and, being its user, its environment."""
    return Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()


def _stat(pid: int) -> tuple[str, int]:
    """State and parent (proc(5)); the name before them may have any character."""
    state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    return state, int(parent)
