"""Faults of the collector, of its store, and of the connection to it."""

from __future__ import annotations

import resource
import signal
import socket
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

from tests.qualification.faults import fault_proxy
from tests.qualification.faults.collector import Collector
from tests.qualification.faults.fault_proxy import Answer, Behaviour
from tests.qualification.faults.program_run import LIMIT
from tests.qualification.faults.scenarios import Stage, killed_in_the_middle, scenario, scenarios
from tests.qualification.faults.verdict import UNANSWERED, Verdict, judge, stored_by_collector

from tenure_server.store.sqlite.file.keys import NUMBER_BITS, NUMBERS


class Fault(NamedTuple):
    """A fault of a store's file."""

    name: str
    do: Callable[[Path], None]

    def __str__(self) -> str:
        return f"{self.name} while it runs"


def _at_first(stage: Stage, count: int, behaviour: Answer | str) -> Verdict:
    """Treat so many requests so, and forward the rest; the program ends some requests later."""
    plain = stage.plain_until_told()
    with stage.collector() as collector:
        with fault_proxy.in_front_of(collector.port, fault_proxy.first_requests(count, behaviour)) as proxy:
            program = stage.start("--collector", proxy.url)
            proxy.wait_for_requests(count + 2)
            program.finish()
            recorded = program.wait()
        return judge(plain, recorded, stored_by_collector(collector))


@scenario("collector killed and started again", short=True)
def killed(stage: Stage) -> Verdict:
    """SIGKILL in the middle, back a second later."""
    plain = stage.plain_until_told()
    with stage.collector() as collector:
        program = stage.start("--collector", collector.url)
        program.wait_for_releases(50)
        collector.kill()
        time.sleep(1)
        collector.start()
        program.finish()
        return judge(plain, program.wait(), stored_by_collector(collector))


@scenario("collector killed, not restarted")
def gone(stage: Stage) -> Verdict:
    """SIGKILL in the middle; the store is read afterwards."""
    plain = stage.plain_until_told()
    with stage.collector() as collector:
        program = stage.start("--collector", collector.url)
        program.wait_for_releases(100)
        collector.kill()
        program.finish()
        recorded = program.wait()
        collector.start()
        return judge(plain, recorded, stored_by_collector(collector), unanswered=UNANSWERED)


@scenario("collector suspended")
def suspended(stage: Stage) -> Verdict:
    """SIGSTOP in the middle, SIGCONT a second later."""
    plain = stage.plain_until_told()
    with stage.collector() as collector:
        program = stage.start("--collector", collector.url)
        program.wait_for_releases(50)
        collector.process.send_signal(signal.SIGSTOP)
        time.sleep(1)
        collector.process.send_signal(signal.SIGCONT)
        program.finish()
        return judge(plain, program.wait(), stored_by_collector(collector))


@scenario("collector black-holed", short=True)
def mute(stage: Stage) -> Verdict:
    """The first five requests are taken; from then on connections are accepted and never answered."""
    behaviour: Behaviour = lambda number: fault_proxy.FORWARD if number < 5 else fault_proxy.MUTE  # noqa: E731
    plain = stage.plain()
    with stage.collector() as collector:
        with fault_proxy.in_front_of(collector.port, behaviour) as proxy:
            recorded = stage.recorded("--collector", proxy.url)
        verdict = judge(plain, recorded, stored_by_collector(collector))
        if not verdict.dropped:
            verdict.breaches.append(f"Tenure said {recorded.messages}, not what was lost")
        late = recorded.seconds - plain.seconds
        return verdict._replace(breaches=verdict.breaches + ([f"it ended {late:.1f} s late"] if late > 4 else []))


@scenarios("collector busy:", [429, 503])
def busy(stage: Stage, status: int) -> Verdict:
    """The first three answers are that status, with Retry-After."""
    return _at_first(stage, 3, Answer(status, {"Retry-After": "0.2"}, b"{}"))


@scenarios("collector refuses:", [400, 413])
def refusing(stage: Stage, status: int) -> Verdict:
    """The first five batches are refused with that status: lost, and counted."""
    verdict = _at_first(stage, 5, Answer(status, {}, b'{"detail": "no"}'))
    return verdict._replace(breaches=verdict.breaches + ([] if verdict.dropped else ["nothing was refused"]))


@scenarios("answers", [fault_proxy.GARBLE, fault_proxy.LOSE, fault_proxy.RESET])
def garbled(stage: Stage, behaviour: str) -> Verdict:
    """The first four requests are treated so; the batch is stored all the same, unless it is not read at all."""
    return _at_first(stage, 4, behaviour)


@scenario("second collector on the store")
def second(stage: Stage) -> Verdict:
    """Two more are started in the middle, one on the same port and one on the same store: both refuse in one line."""
    plain = stage.plain_until_told()
    with stage.collector() as collector:
        program = stage.start("--collector", collector.url)
        program.wait_for_releases(50)
        others = [
            collector.another(collector.port, stage.directory / "other.sqlite"),
            collector.another(0, collector.store),
        ]
        statuses = [other.wait(LIMIT) for other in others]
        program.finish()
        verdict = judge(plain, program.wait(), stored_by_collector(collector))
        return verdict._replace(
            breaches=verdict.breaches + ([] if statuses == [2, 2] else [f"they ended with {statuses}"])
        )


@scenario("disk full under the store", short=True)
def full(stage: Stage) -> Verdict:
    """The store's files may not grow (RLIMIT_FSIZE) for a second."""

    def files(_: Collector) -> int:
        files = [path for path in stage.directory.glob("store.sqlite*") if not path.name.endswith("-reserve")]
        return max(path.stat().st_size for path in files)

    return _limited(stage, resource.RLIMIT_FSIZE, files)


def _unlink(path: Path) -> None:
    path.unlink()


def _replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"remember the milk" * 1_000)
    other.rename(path)


def _damage(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\x5a" * path.stat().st_size)


@scenarios("store", [Fault("deleted", _unlink), Fault("replaced", _replace), Fault("damaged", _damage)])
def lost(stage: Stage, fault: Fault) -> Verdict:
    """The fault hits the file in the middle; what it had then is gone, and all else is stored."""
    plain = stage.plain_until_told()
    with stage.collector() as collector:
        program = stage.start("--collector", collector.url)
        program.wait_for_releases(50)
        collector.process.send_signal(signal.SIGSTOP)
        before = _ids(collector.store)
        fault.do(collector.store)
        collector.process.send_signal(signal.SIGCONT)
        program.wait_for_releases(100)
        program.finish()
        recorded = program.wait()
        gone = before - {lifecycle["id"] for lifecycle in collector.items("/api/lifecycles")}
        return judge(plain, recorded, stored_by_collector(collector), gone=len(gone))


def _ids(store: Path) -> set[str]:
    """The lifecycles in a store's file, by their public ids."""
    with closing(sqlite3.connect(store)) as connection:
        rows = connection.execute(
            "SELECT lower(hex(id)), lifecycles.key & ? FROM lifecycles JOIN processes ON process = lifecycles.key >> ?",
            (NUMBERS, NUMBER_BITS),
        )
        return {f"{process}-{number}" for process, number in rows}


@scenario("collector out of descriptors")
def descriptors(stage: Stage) -> Verdict:
    """RLIMIT_NOFILE is what the collector has open, for a second."""
    return _limited(stage, resource.RLIMIT_NOFILE, lambda collector: len(list(collector.descriptors())))


@scenario("collector beset by slow clients", short=True)
def beset(stage: Stage) -> Verdict:
    """300 connections with half a header and 50 with half a body, of a collector that may open 256 files."""
    half_header = b"GET /api/processes HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: "
    half_body = b"POST /v1/lifecycles HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n"
    half_body += b"Content-Type: application/vnd.tenure.batch+msgpack\r\n\r\nhalf"
    plain = stage.plain_until_told()
    with stage.collector() as collector, ExitStack() as connections:
        program = stage.start("--collector", collector.url)
        program.wait_for_releases(50)
        pid = collector.process.pid
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (256, resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]))
        for number in range(350):
            connection = socket.create_connection(("127.0.0.1", collector.port), timeout=10)
            connections.enter_context(connection)
            connection.sendall(half_body if number % 7 == 0 else half_header)
        program.finish()
        verdict = judge(plain, program.wait(), stored_by_collector(collector))
    tracebacks = (stage.directory / "collector.log").read_text().count("Traceback")
    return verdict._replace(
        breaches=verdict.breaches + ([f"its log has {tracebacks} tracebacks"] if tracebacks else [])
    )


def _limited(stage: Stage, kind: int, value: Callable[[Collector], int]) -> Verdict:
    """The collector has no more of a resource than it uses, and after a second as much as before."""
    plain = stage.plain_until_told()
    with stage.collector() as collector:
        program = stage.start("--collector", collector.url)
        program.wait_for_releases(50)
        pid = collector.process.pid
        soft, hard = resource.prlimit(pid, kind)
        resource.prlimit(pid, kind, (value(collector), hard))
        time.sleep(1)
        resource.prlimit(pid, kind, (soft, hard))
        program.finish()
        return judge(plain, program.wait(), stored_by_collector(collector))


@scenario("program killed, collector alive")
def abandoned(stage: Stage) -> Verdict:
    """SIGKILL for the program in the middle."""
    plain = killed_in_the_middle(stage, None, 60)
    with stage.collector() as collector:
        recorded = killed_in_the_middle(stage, ["--collector", collector.url], 60)
        return judge(plain, recorded, stored_by_collector(collector), killed=True)
