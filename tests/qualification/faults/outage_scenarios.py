"""Outages that last, come again or meet other faults: what is not stored is reported when the program ends."""

from __future__ import annotations

import resource
import signal
import time
from collections.abc import Sequence

from tests.qualification.faults import program_run
from tests.qualification.faults.collector import Collector
from tests.qualification.faults.program_run import ProgramExit, RunningProgram
from tests.qualification.faults.scenarios import Stage, scenario, scenarios
from tests.qualification.faults.verdict import (
    UNANSWERED,
    Stored,
    Verdict,
    judge,
    stored_by_collector,
    stored_in_recording,
)

_SMALL_QUEUE = (
    "from tenure._sinks import collector_sink as sink; assert sink.MAX_QUEUED_BYTES; sink.MAX_QUEUED_BYTES = 6_000"
)
_SMALL_BUFFER = "from tenure._core import buffer; buffer.set_limit(2)"


def _start(stage: Stage, options: Sequence[object], small: str = "", fault: str = "until_told") -> RunningProgram:
    """The recorded program, with a limit of Tenure's that is quickly reached."""
    place = stage.directory / "limits"
    place.mkdir()
    (place / "sitecustomize.py").write_text(small)
    wrapped = ("env", f"PYTHONPATH={place}")
    return program_run.start(stage.program, fault, [str(option) for option in options], wrapped=wrapped)


def _is_something(verdict: Verdict) -> Verdict:
    return verdict._replace(
        breaches=verdict.breaches + ([] if verdict.dropped else ["nothing was lost, so nothing was tried"])
    )


@scenario("queue full, then recovery", short=True)
def recovered(stage: Stage) -> Verdict:
    """The collector is away for two seconds and Tenure keeps 6 kB: the oldest batches are lost, and counted."""
    plain = stage.plain_until_told()
    with stage.collector() as collector:
        program = _start(stage, ["--collector", collector.url], _SMALL_QUEUE)
        program.wait_for_releases(50)
        collector.kill()
        time.sleep(2)
        collector.start()
        already = stored_by_collector(collector).lifecycles
        _until_stored(collector, already + 1)
        program.finish()
        return _is_something(judge(plain, program.wait(), stored_by_collector(collector)))


@scenario("queue full to the end")
def never_recovered(stage: Stage) -> Verdict:
    """The collector goes and Tenure keeps 6 kB: some are lost before the program's end, and the rest at it."""
    plain = stage.plain_until_told()
    with stage.collector() as collector:
        program = _start(stage, ["--collector", collector.url], _SMALL_QUEUE)
        program.wait_for_releases(50)
        collector.kill()
        time.sleep(2)
        return _ended(plain, program, collector)


@scenario("collector gone for the second time", short=True)
def twice(stage: Stage) -> Verdict:
    """It goes, comes back and takes what was kept, and goes again: the losses are reported, and the outage once."""
    plain = stage.plain_until_told()
    with stage.collector() as collector:
        program = stage.start("--collector", collector.url)
        program.wait_for_releases(50)
        collector.kill()
        time.sleep(1)
        collector.start()
        _until_stored(collector, 60)
        collector.kill()
        time.sleep(1)
        return _ended(plain, program, collector)


def _ended(plain: ProgramExit, program: RunningProgram, collector: Collector) -> Verdict:
    """The collector is gone: the program ends, and the store is read afterwards."""
    program.finish()
    recorded = program.wait()
    collector.start()
    return _is_something(judge(plain, recorded, stored_by_collector(collector), unanswered=UNANSWERED))


@scenario("buffer full")
def buffer_full(stage: Stage) -> Verdict:
    """The buffer has room for two entries: what does not fit is lost to the collector and to the recording alike."""
    plain = stage.plain_until_told()
    with stage.collector() as collector:
        program = _start(stage, ["--collector", collector.url, "-o", stage.recording], _SMALL_BUFFER)
        program.wait_for_releases(100)
        program.finish()
        recorded = program.wait()
        views = stored_by_collector(collector), stored_in_recording(stage.recording)
        return _is_something(_all_of(plain, recorded, *views))


@scenarios("collector gone, and the recording", ["goes on", "is full"])
def beside_a_recording(stage: Stage, recording: str) -> Verdict:
    """Both are written; one is lost, or both, and the losses of each are reported."""
    plain = stage.plain_until_told()
    limit = program_run.limited(resource.RLIMIT_FSIZE, 20_000 if recording == "is full" else resource.RLIM_INFINITY)
    with stage.collector() as collector:
        options = ["--collector", collector.url, "-o", str(stage.recording)]
        program = program_run.start(stage.program, "until_told", options, before=limit)
        program.wait_for_releases(60)
        collector.kill()
        program.wait_for_releases(180)
        program.finish()
        recorded = program.wait()
        collector.start()
        views = stored_by_collector(collector), stored_in_recording(stage.recording)
        return _is_something(_all_of(plain, recorded, *views, unanswered=UNANSWERED))


@scenario("collector gone while children are forked")
def forking(stage: Stage) -> Verdict:
    """Each child reports its own losses, and so does the parent."""
    plain = program_run.start(stage.program, "fork_until_told", None)
    plain.finish()
    with stage.collector() as collector:
        program = stage.start("--collector", collector.url, fault="fork_until_told")
        program.wait_for_releases(24)
        _until_stored(collector, 12)
        collector.kill()
        program.wait_for_releases(60)
        program.finish()
        recorded = program.wait()
        collector.start()
        return _is_something(judge(plain.wait(), recorded, stored_by_collector(collector), unanswered=UNANSWERED))


@scenario("interrupted while the collector is gone")
def interrupted(stage: Stage) -> Verdict:
    """SIGINT ends the program, which reports what is lost."""
    plain = _interrupted(program_run.start(stage.program, "until_told", None))
    with stage.collector() as collector:
        program = stage.start("--collector", collector.url)
        program.wait_for_releases(50)
        collector.kill()
        recorded = _interrupted(program)
        collector.start()
        return _is_something(judge(plain, recorded, stored_by_collector(collector), unanswered=UNANSWERED))


def _interrupted(program: RunningProgram) -> ProgramExit:
    program.wait_for_releases(160)
    program.signal(signal.SIGINT)
    return program.wait()


@scenario("ended by a signal after its loop", short=True)
def by_signal(stage: Stage) -> Verdict:
    """SIGTERM without a handler, right after the event loop has closed: all is stored, and closed."""
    plain = stage.plain("end_by_signal")
    with stage.collector() as collector:
        options = "--collector", collector.url, "-o", stage.recording
        recorded = stage.recorded(*options, fault="end_by_signal")
        return _all_of(plain, recorded, stored_by_collector(collector), stored_in_recording(stage.recording))


def _all_of(plain: ProgramExit, recorded: ProgramExit, *views: Stored, unanswered: int = 0) -> Verdict:
    """The same run in each sink: the row of the sink that lost most."""
    first, *others = views  # the collector's, and the recording's
    rows = [judge(plain, recorded, first, troubles=len(views), unanswered=unanswered)]
    rows += [judge(plain, recorded, stored, troubles=len(views)) for stored in others]
    return max(rows, key=lambda row: row.dropped)._replace(breaches=[line for row in rows for line in row.breaches])


def _until_stored(collector: Collector, lifecycles: int) -> None:
    deadline = time.monotonic() + 30
    while stored_by_collector(collector).lifecycles < lifecycles:
        assert time.monotonic() < deadline, "the collector gets nothing"
        time.sleep(0.1)
