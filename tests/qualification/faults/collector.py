"""The real collector in a process of its own, and what it has stored."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tenure import wire

HELD = "__main__.Held"
_LIMIT = 60.0  # seconds for it to start, or to stop


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Collector:
    """``tenure serve`` on a port and a store of its own; it can be killed and started again."""

    def __init__(self, directory: Path, *options: str, store: Path | None = None) -> None:
        self._options = options
        self.before: Callable[[], None] | None = None  # is called in its process before anything of it runs
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.store = store or directory / "store.sqlite"
        self._log = (directory / "collector.log").open("ab")
        self.start()

    def start(self) -> None:
        """Start it (again), and wait until it answers."""
        self.process = self.another(self.port, self.store)
        deadline = time.monotonic() + _LIMIT
        while True:
            try:
                self.get("/readyz")
            except (OSError, AssertionError):
                assert time.monotonic() < deadline, "the collector does not answer"
                time.sleep(0.05)
            else:
                return

    def another(self, port: int, store: Path) -> subprocess.Popen[bytes]:
        """One more, on this port with this store."""
        options = ["--port", str(port), "--store", f"sqlite:///{store}"]
        command = [sys.executable, "-m", "tenure", "serve", *options, *self._options]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TENURE_")}
        return subprocess.Popen(
            command,
            env=environment,
            stdout=self._log,
            stderr=self._log,
            preexec_fn=self.before,  # noqa: PLW1509  # it only asks the system for something
        )

    def kill(self) -> None:
        """End it as the system ends processes when memory is short."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """End it."""
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(_LIMIT)
        except subprocess.TimeoutExpired:
            self.kill()
        self._log.close()

    def descriptors(self) -> Iterator[Path]:
        """What it has open."""
        return Path(f"/proc/{self.process.pid}/fd").iterdir()

    def children(self) -> list[int]:
        """The processes that it has started (Linux)."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return [int(pid) for task in tasks for pid in (task / "children").read_text().split()]

    def get(self, path: str) -> Any:
        """An answer's JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200, body
            return json.loads(body)
        finally:
            connection.close()

    def store_batch(self, body: bytes) -> None:
        """Send a batch until it is stored."""
        deadline = time.monotonic() + _LIMIT
        while (status := self._post(body)) != 200:
            assert status in {0, 429, 503}, f"a batch was answered {status}"
            assert time.monotonic() < deadline, f"no batch was stored for {_LIMIT:g} s: {status}"
            time.sleep(0.05)

    def _post(self, body: bytes) -> int:
        """The answer's status; 0: there was none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("POST", "/v1/lifecycles", body, {"Content-Type": wire.CONTENT_TYPE})
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def items(self, path: str) -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        cursor = ""
        while cursor is not None:
            answer = self.get(f"{path}?limit=1000{cursor and f'&cursor={cursor}'}")
            yield from answer["items"]
            cursor = answer["cursor"]
