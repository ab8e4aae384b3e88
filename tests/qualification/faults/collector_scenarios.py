"""Faults of the collector, of its store, and of the way there."""

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
from tests.qualification.faults.fault_proxy import Answer, Temper
from tests.qualification.faults.program_run import LIMIT
from tests.qualification.faults.scenarios import Stage, killed_in_the_middle, scenario, scenarios
from tests.qualification.faults.verdict import UNANSWERED, Told, judge, of_collector

from tenure_server.store.sqlite.file.keys import NUMBER_BITS, NUMBERS


class Fault(NamedTuple):
    """What is done to a store's file."""

    name: str
    do: Callable[[Path], None]

    def __str__(self) -> str:
        return f"{self.name} while it runs"


def _at_first(stage: Stage, count: int, bad: Answer | str) -> Told:
    """Bad to so many requests and good from then on; the program ends some requests later."""
    plain = stage.plain_until_told()
    with stage.collector() as collector:
        with fault_proxy.before(collector.port, fault_proxy.first(count, bad)) as way:
            program = stage.start("--collector", way.url)
            way.until(count + 2)
            program.go_on()
            recorded = program.done()
        return judge(plain, recorded, of_collector(collector))


@scenario("collector killed and started again", short=True)
def killed(stage: Stage) -> Told:
    """SIGKILL in the middle, back a second later."""
    plain = stage.plain_until_told()
    with stage.collector() as collector:
        program = stage.start("--collector", collector.url)
        program.until_left(50)
        collector.kill()
        time.sleep(1)
        collector.start()
        program.go_on()
        return judge(plain, program.done(), of_collector(collector))


@scenario("collector killed for good")
def gone(stage: Stage) -> Told:
    """SIGKILL in the middle; the store is read afterwards."""
    plain = stage.plain_until_told()
    with stage.collector() as collector:
        program = stage.start("--collector", collector.url)
        program.until_left(100)
        collector.kill()
        program.go_on()
        recorded = program.done()
        collector.start()
        return judge(plain, recorded, of_collector(collector), unanswered=UNANSWERED)


@scenario("collector suspended")
def suspended(stage: Stage) -> Told:
    """SIGSTOP in the middle, SIGCONT a second later."""
    plain = stage.plain_until_told()
    with stage.collector() as collector:
        program = stage.start("--collector", collector.url)
        program.until_left(50)
        collector.process.send_signal(signal.SIGSTOP)
        time.sleep(1)
        collector.process.send_signal(signal.SIGCONT)
        program.go_on()
        return judge(plain, program.done(), of_collector(collector))


@scenario("collector black-holed", short=True)
def mute(stage: Stage) -> Told:
    """The first five requests are taken; from then on connections are accepted and never answered."""
    temper: Temper = lambda number: fault_proxy.FORWARD if number < 5 else fault_proxy.MUTE  # noqa: E731
    plain = stage.plain()
    with stage.collector() as collector:
        with fault_proxy.before(collector.port, temper) as way:
            recorded = stage.recorded("--collector", way.url)
        told = judge(plain, recorded, of_collector(collector))
        if not told.dropped:
            told.wrong.append(f"Tenure said {recorded.said}, not what was lost")
        late = recorded.seconds - plain.seconds
        return told._replace(wrong=told.wrong + ([f"it ended {late:.1f} s late"] if late > 4 else []))


@scenarios("collector busy:", [429, 503])
def busy(stage: Stage, status: int) -> Told:
    """The first three answers are that status, with Retry-After."""
    return _at_first(stage, 3, Answer(status, {"Retry-After": "0.2"}, b"{}"))


@scenarios("collector refuses:", [400, 413])
def refusing(stage: Stage, status: int) -> Told:
    """The first five batches are refused with that status: lost, and counted."""
    told = _at_first(stage, 5, Answer(status, {}, b'{"detail": "no"}'))
    return told._replace(wrong=told.wrong + ([] if told.dropped else ["nothing was refused"]))


@scenarios("answers", [fault_proxy.GARBLE, fault_proxy.LOSE, fault_proxy.RESET])
def garbled(stage: Stage, temper: str) -> Told:
    """The first four requests are treated so; the batch is stored all the same, unless it is not read at all."""
    return _at_first(stage, 4, temper)


@scenario("second collector on the store")
def second(stage: Stage) -> Told:
    """Two more are started in the middle, one on the same port and one on the same store: both refuse in one line."""
    plain = stage.plain_until_told()
    with stage.collector() as collector:
        program = stage.start("--collector", collector.url)
        program.until_left(50)
        others = [
            collector.another(collector.port, stage.directory / "other.sqlite"),
            collector.another(0, collector.store),
        ]
        statuses = [other.wait(LIMIT) for other in others]
        program.go_on()
        told = judge(plain, program.done(), of_collector(collector))
        return told._replace(wrong=told.wrong + ([] if statuses == [2, 2] else [f"they ended with {statuses}"]))


@scenario("disk full under the store", short=True)
def full(stage: Stage) -> Told:
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
def lost(stage: Stage, fault: Fault) -> Told:
    """That is done to the file in the middle; what it had then is gone, and all else is stored."""
    plain = stage.plain_until_told()
    with stage.collector() as collector:
        program = stage.start("--collector", collector.url)
        program.until_left(50)
        collector.process.send_signal(signal.SIGSTOP)
        before = _ids(collector.store)
        fault.do(collector.store)
        collector.process.send_signal(signal.SIGCONT)
        program.until_left(100)
        program.go_on()
        recorded = program.done()
        gone = before - {one["id"] for one in collector.items("/api/lifecycles")}
        return judge(plain, recorded, of_collector(collector), gone=len(gone))


def _ids(store: Path) -> set[str]:
    """The lifecycles in a store's file, by their public ids."""
    with closing(sqlite3.connect(store)) as connection:
        rows = connection.execute(
            "SELECT lower(hex(id)), lifecycles.key & ? FROM lifecycles JOIN processes ON process = lifecycles.key >> ?",
            (NUMBERS, NUMBER_BITS),
        )
        return {f"{process}-{number}" for process, number in rows}


@scenario("collector out of descriptors")
def descriptors(stage: Stage) -> Told:
    """RLIMIT_NOFILE is what the collector has open, for a second."""
    return _limited(stage, resource.RLIMIT_NOFILE, lambda collector: len(list(collector.descriptors())))


@scenario("collector beset by slow clients", short=True)
def beset(stage: Stage) -> Told:
    """300 connections with half a header and 50 with half a body, of a collector that may open 256 files."""
    half_header = b"GET /api/processes HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: "
    half_body = b"POST /v1/lifecycles HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n"
    half_body += b"Content-Type: application/vnd.tenure.batch+msgpack\r\n\r\nhalf"
    plain = stage.plain_until_told()
    with stage.collector() as collector, ExitStack() as connections:
        program = stage.start("--collector", collector.url)
        program.until_left(50)
        pid = collector.process.pid
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (256, resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]))
        for number in range(350):
            connection = socket.create_connection(("127.0.0.1", collector.port), timeout=10)
            connections.enter_context(connection)
            connection.sendall(half_body if number % 7 == 0 else half_header)
        program.go_on()
        told = judge(plain, program.done(), of_collector(collector))
    tracebacks = (stage.directory / "collector.log").read_text().count("Traceback")
    return told._replace(wrong=told.wrong + ([f"its log has {tracebacks} tracebacks"] if tracebacks else []))


def _limited(stage: Stage, what: int, value: Callable[[Collector], int]) -> Told:
    """The collector has no more of a resource than it uses, and after a second as much as before."""
    plain = stage.plain_until_told()
    with stage.collector() as collector:
        program = stage.start("--collector", collector.url)
        program.until_left(50)
        pid = collector.process.pid
        soft, hard = resource.prlimit(pid, what)
        resource.prlimit(pid, what, (value(collector), hard))
        time.sleep(1)
        resource.prlimit(pid, what, (soft, hard))
        program.go_on()
        return judge(plain, program.done(), of_collector(collector))


@scenario("program killed, collector alive")
def abandoned(stage: Stage) -> Told:
    """SIGKILL for the program in the middle."""
    plain = killed_in_the_middle(stage, None, 60)
    with stage.collector() as collector:
        recorded = killed_in_the_middle(stage, ["--collector", collector.url], 60)
        return judge(plain, recorded, of_collector(collector), killed=True)
