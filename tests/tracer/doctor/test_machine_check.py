"""``tenure doctor`` without a program: the libraries of this machine, and what recording costs."""

import json
import os
import platform
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.tracer.support import programs
from tests.tracer.support.programs import NOWHERE, Done

from tenure import adapters
from tenure.doctor import collector_check

OPENAPI = json.dumps({"info": {"version": "1.2.3"}}).encode()


def here(directory: Path, *arguments: str, **environment: str) -> dict[str, Any]:
    done = programs.tenure(directory, "doctor", "--json", *arguments, **environment)
    assert (done.status, done.stderr) == (0, "")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


class Answers(BaseHTTPRequestHandler):
    """A collector of few words. ``ready`` is the status of /readyz; its tokens are "secret" and, to send, "send"."""

    ready = 200

    def do_GET(self) -> None:
        allowed = self.path == "/readyz" or self.headers["Authorization"] == "Bearer secret"
        self.send_response(self.ready if self.path == "/readyz" else 200 if allowed else 401)
        self.end_headers()
        self.wfile.write(OPENAPI if allowed else b"")

    def do_POST(self) -> None:
        self.send_response(415 if self.headers["Authorization"] == "Bearer send" else 401)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def collector() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What it says of this machine, where no collector runs. It takes seconds, so the tests share it."""
    return here(tmp_path_factory.mktemp("here"), "--collector", NOWHERE)


def test_it_names_the_versions_the_probe_and_what_a_record_costs(report: dict[str, Any]) -> None:
    """A recorded statement costs more than a bare one, and both take some time."""
    assert report["python"] == platform.python_version()
    assert report["implementation"] == "CPython"
    assert report["probe"] in {"native", "python"}
    assert report["server"] == report["tenure"] != ""
    cost = report["cost"]
    assert 0 < cost["bare_ns"] < cost["recorded_ns"]
    assert cost["ratio"] > 1


def test_every_adapter_is_listed_with_its_library(report: dict[str, Any]) -> None:
    """Those that are installed have a version and fit; none is forgotten."""
    libraries = report["libraries"]
    assert {name for one in libraries for name in one["adapters"]} == {
        name for names in adapters.ADAPTERS.values() for name in names
    }
    by_name = {one["name"]: one for one in libraries}
    assert by_name["asyncio"]["version"] == "standard library"
    assert by_name["aiosqlite"]["version"][0].isdigit()
    assert {one["name"]: one["problem"] for one in libraries if one["problem"]} == {}


def test_a_library_of_an_unexpected_shape_is_named(tmp_path: Path) -> None:
    """One that cannot be imported, and one whose adapter does not find what it patches."""
    programs.write(tmp_path, aiosqlite='Connection = None\n__version__ = "0.1"\n', uvloop='raise OSError("broken")\n')
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    libraries = here(tmp_path, "--collector", NOWHERE, PYTHONPATH=path)["libraries"]
    problems = {one["name"]: one["problem"] for one in libraries if one["problem"]}
    assert set(problems) == {"aiosqlite", "granian", "uvloop"}  # granian imports uvloop
    assert problems["aiosqlite"].startswith("the adapter aiosqlite for aiosqlite 0.1: AttributeError: ")
    assert problems["uvloop"] == "uvloop cannot be imported: OSError: broken"


def test_a_collector_that_is_away_is_said_with_the_remedy(report: dict[str, Any]) -> None:
    """Nobody listens there."""
    assert report["collector"] == {
        "url": NOWHERE,
        "answers": False,
        "version": "",
        "problem": "it does not answer: Connection refused (start it with `tenure serve`)",
    }


def test_a_collector_is_asked_whether_it_is_ready_and_knows_the_token(
    collector: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answers of one with a token: without it, with another, with either of its own, and when its store is away."""

    def ask(token: str = "", ready: int = 200) -> collector_check.CollectorStatus:
        monkeypatch.setattr(Answers, "ready", ready)
        monkeypatch.setenv("TENURE_TOKEN", token)
        return collector_check.check(None)

    monkeypatch.setenv("TENURE_COLLECTOR", collector)
    answers = [ask(), ask("other"), ask("send"), ask("secret"), ask(ready=503), ask(ready=404)]
    assert answers == [
        collector_check.CollectorStatus(collector, True, version, problem)
        for version, problem in (
            ("", "it requires a token: 401 (set TENURE_TOKEN)"),
            ("", "it rejects the token: 401 (set TENURE_TOKEN)"),
            ("", ""),
            ("1.2.3", ""),
            ("", "it is not ready: /readyz answers 503 (its log gives the reason)"),
            ("", "it is not a Tenure collector (see --collector)"),
        )
    ]
    monkeypatch.setattr(Answers, "ready", 200)
    told = here(tmp_path, TENURE_COLLECTOR=collector, TENURE_TOKEN="secret")["collector"]
    assert told == {"url": collector, "answers": True, "version": "1.2.3", "problem": ""}


def test_the_page_for_people_says_the_same(tmp_path: Path) -> None:
    """On standard output, a line for each thing; -o puts it into a file."""
    done = programs.tenure(tmp_path, "doctor", "--collector", NOWHERE, "-o", "page.txt")
    assert done == Done(0, "", "")
    lines = (tmp_path / "page.txt").read_text().splitlines()
    assert [line.partition(" ")[0] for line in lines[:5]] == ["tenure", "server:", "one", "collector:", "adapters:"]
    assert lines[3] == f"collector: {NOWHERE}: it does not answer: Connection refused (start it with `tenure serve`)"


def test_a_malformed_url_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    """What and remedy."""
    assert programs.tenure(tmp_path, "doctor", "--collector", "gopher:x") == Done(
        2, "", "tenure: invalid collector URL 'gopher:x' (expected, for example, http://127.0.0.1:4320)\n"
    )
