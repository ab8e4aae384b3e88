"""Asks /healthz of a collector, and of an idle one beside it, all the time; a process of its own, so nothing delays it.

    python -m tests.qualification.reliability.stall_watch URL PID IDLE_URL IDLE_PID

Until its standard input ends; then it prints the worst delay of each in ms, and how often it asked, as a line of JSON.
Where other programs keep the machine's cores busy, all threads of a collector wait for a core, which is no fault of its
own: Linux tells for how long (/proc/PID/task/TID/schedstat), and the *own* delay is without it.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
import urllib.parse
from pathlib import Path

_PAUSE_S = 0.005
_TIMEOUT_S = 120.0


class _Watch(threading.Thread):
    def __init__(self, url: str, pid: str, ended: threading.Event) -> None:
        super().__init__()
        self._tasks = Path(f"/proc/{pid}/task")
        self._address = urllib.parse.urlsplit(url).netloc
        self._ended = ended
        self.worst_ms = self.worst_own_ms = 0.0
        self.asked = 0

    def run(self) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=_TIMEOUT_S)
        while not self._ended.wait(_PAUSE_S):
            waited, began = self._waited_ms(), time.perf_counter()
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            answer.read()
            took_ms = (time.perf_counter() - began) * 1e3
            self.worst_ms = max(self.worst_ms, took_ms)
            if took_ms > self.worst_own_ms:
                for_a_core = max(
                    (ms - waited.get(thread, 0.0) for thread, ms in self._waited_ms().items()), default=0.0
                )
                self.worst_own_ms = max(self.worst_own_ms, took_ms - for_a_core)
            self.asked += answer.status == 200
        connection.close()

    def _waited_ms(self) -> dict[str, float]:
        """For how long each of the collector's threads has waited for a core so far."""
        waited: dict[str, float] = {}
        for thread in self._tasks.iterdir() if self._tasks.exists() else ():
            try:
                waited[thread.name] = int((thread / "schedstat").read_text().split()[1]) / 1e6
            except (OSError, IndexError):  # it ended, or this kernel does not tell
                continue
        return waited


def main() -> None:
    """Watch both until the input ends."""
    ended = threading.Event()
    watches = [_Watch(url, pid, ended) for url, pid in (sys.argv[1:3], sys.argv[3:5])]
    for watch in watches:
        watch.start()
    sys.stdin.read()
    ended.set()
    for watch in watches:
        watch.join()
    busy, idle = watches
    print(json.dumps({"ms": busy.worst_ms, "own_ms": busy.worst_own_ms, "idle_ms": idle.worst_ms, "asked": busy.asked}))


if __name__ == "__main__":
    main()
