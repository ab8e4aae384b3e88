"""The program of `make demo`: starts the collector, and a small shop under `tenure run`. Ctrl-C ends both."""

import argparse
import http.client
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent
STORE = EXAMPLES.parent / ".tenure" / "demo.sqlite"
HOST = "127.0.0.1"
START_LIMIT = 20.0  # seconds until the collector must answer
STOP_LIMIT = 10.0  # seconds until a program must have ended by itself

WHAT_TO_SEE = """
  {url}

  Select a trace "POST /orders": it shows one order, from the request to the last release.
  Its tasks reserve goods at the same time, so they wait for the pool's two connections and for the stock lock.
  Crosses are orders that failed: out of stock, ordered twice, the card declined, the bank too slow.
  Some customers hang up: what was held at that moment is marked as cancelled, and is still released.
  The table of resources shows who holds each resource now, and who waits for it. Every few seconds a delivery
  holds the stock lock for most of a second, and orders queue behind it.

Ctrl-C ends the demo.
"""


class CannotRun(Exception):
    """The demo cannot start, or a part of it has ended; ``status`` is the demo's exit code."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=4320, help="port of the collector on 127.0.0.1 (default: %(default)s)"
    )
    parser.add_argument("--store", type=Path, default=STORE, help="the collector's SQLite file (default: %(default)s)")
    return parser.parse_args()


def check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            remedy = f"choose another: {sys.executable} {sys.argv[0]} --port {port + 1}"
            raise CannotRun(f"port {port} on {HOST} cannot be used: {error.strerror} ({remedy})", 2) from None


def start(*arguments: str) -> subprocess.Popen[bytes]:
    """Start `tenure ...` in its own session, so that Ctrl-C reaches only the demo, which ends both in order."""
    command = [sys.executable, "-m", "tenure", *arguments]
    return subprocess.Popen(command, cwd=EXAMPLES, stdin=subprocess.DEVNULL, start_new_session=True)


def stop(program: subprocess.Popen[bytes]) -> None:
    if program.poll() is None:
        program.send_signal(signal.SIGINT)
        try:
            program.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()


def is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=1)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def wait_until_ready(collector: subprocess.Popen[bytes], port: int, end: threading.Event) -> None:
    deadline = time.monotonic() + START_LIMIT
    while not is_ready(port):
        check_running("the collector", collector)
        if time.monotonic() > deadline:
            raise CannotRun(f"the collector does not answer on port {port} after {START_LIMIT:.0f} s", 1)
        if end.wait(0.1):
            return


def check_running(name: str, program: subprocess.Popen[bytes]) -> None:
    if (status := program.poll()) is not None:
        raise CannotRun(f"{name} ended by itself with exit code {status} (its output is above)", 1)


def run(options: argparse.Namespace, end: threading.Event) -> None:
    """Start both programs, wait for the end, and stop both: the shop first, so that the collector gets its records."""
    check_port(options.port)
    store = options.store.resolve()
    store.parent.mkdir(parents=True, exist_ok=True)
    url = f"http://{HOST}:{options.port}"
    programs = {"the collector": start("serve", "--port", str(options.port), "--store", f"sqlite:///{store}")}
    try:
        wait_until_ready(programs["the collector"], options.port, end)
        if end.is_set():
            return
        programs["the shop"] = start("run", "--collector", url, "--service", "shop", "-m", "shop")
        print(WHAT_TO_SEE.format(url=url), flush=True)
        while not end.wait(0.2):
            for name, program in programs.items():
                check_running(name, program)
    finally:
        for program in reversed(programs.values()):
            stop(program)


def main() -> int:
    end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end.set())
    try:
        run(parse(), end)
    except CannotRun as reason:
        print(f"demo: {reason}", file=sys.stderr)
        return reason.status
    return 0


if __name__ == "__main__":
    sys.exit(main())
