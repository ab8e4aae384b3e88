"""Faults of the program and of the system it runs on."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import signal
import subprocess
import time

from tests.qualification.faults import fault_proxy, program_run
from tests.qualification.faults.program_run import ProgramExit
from tests.qualification.faults.scenarios import Stage, killed_in_the_middle, scenario, scenarios
from tests.qualification.faults.verdict import Stored, Verdict, judge, stored_by_collector, stored_in_recording

_CAPBSET_DROP, _DAC_OVERRIDE = 24, 1  # prctl(2), capabilities(7)


@scenarios("program ends itself:", ["be_killed", "crash", "exit_at_once"])
def ending(stage: Stage, fault: str) -> Verdict:
    """By SIGKILL, a segmentation fault, or os._exit, in the middle of a recording."""
    plain = stage.plain(fault)
    recorded = stage.recorded("-o", stage.recording, fault=fault)
    return judge(plain, recorded, stored_in_recording(stage.recording), killed=True)


@scenario("program killed while it records", short=True)
def killed(stage: Stage) -> Verdict:
    """Five times SIGKILL, each after a few lifecycles more, with a recording."""
    rows = []
    for number in range(5):
        plain = killed_in_the_middle(stage, None, 50 + number)
        recorded = killed_in_the_middle(stage, ["-o", str(stage.recording)], 50 + 11 * number)
        rows.append(judge(plain, recorded, stored_in_recording(stage.recording), killed=True))
    return _together(rows)


@scenario("disk full under the recording", short=True)
def full(stage: Stage) -> Verdict:
    """No file may have more than 10 kB (RLIMIT_FSIZE): the recording ends there, whole, and says so."""
    plain = stage.plain()
    limit = program_run.limited(resource.RLIMIT_FSIZE, 10_000)
    recorded = program_run.start(stage.program, "nothing", ["-o", str(stage.recording)], before=limit).wait()
    verdict = judge(plain, recorded, stored_in_recording(stage.recording))
    return verdict._replace(
        breaches=verdict.breaches + ([] if verdict.dropped else ["nothing was lost, so nothing was tried"])
    )


@scenarios("recording goes to", ["/dev/full", "a pipe", "a read-only directory"])
def nowhere(stage: Stage, place: str) -> Verdict:
    """Nothing can be recorded there: one line says so, the exit code is 2, and the program does not start."""
    if place == "a pipe":
        os.mkfifo(stage.recording)
        place = str(stage.recording)
    elif place == "a read-only directory":
        (stage.directory / "closed").mkdir(mode=0o555)
        place = str(stage.directory / "closed" / "x.json")
    ended = program_run.start(stage.program, "nothing", ["-o", place], before=_without_privilege).wait()
    refused = ended.visible_result() == (2, "", "", []) and len(ended.messages) == 1 and not ended.own_count.entered
    return Verdict(0, 0, 0, [] if refused else [f"it came to {ended}"])


@scenario("read-only program directory")
def read_only(stage: Stage) -> Verdict:
    """No bytecode can be cached beside the program, nor anything else written there."""
    stage.plain()
    shutil.rmtree(stage.program / "__pycache__", ignore_errors=True)
    stage.program.chmod(0o555)
    try:
        plain, recorded = (
            program_run.start(stage.program, "nothing", options, before=_without_privilege).wait()
            for options in (None, ["-o", str(stage.recording)])
        )
        verdict = judge(plain, recorded, stored_in_recording(stage.recording))
        left = [path.name for path in stage.program.iterdir() if path.suffix != ".py"]
        return verdict._replace(breaches=verdict.breaches + ([f"{left} were written there"] if left else []))
    finally:
        stage.program.chmod(0o755)


@scenario("fork while a flush is under way", short=True)
def forking(stage: Stage) -> Verdict:
    """Ten forks from the main thread while two threads hold things; with a recording and a collector."""
    plain = stage.plain("fork")
    with stage.collector() as collector:
        recorded = stage.recorded("--collector", collector.url, "-o", stage.recording, fault="fork")
        return _both(plain, recorded, stored_by_collector(collector), stored_in_recording(stage.recording))


@scenario("wall clock jumps")
def clock(stage: Stage) -> Verdict:
    """A day on, and then two back; holding times are by the monotonic clock."""
    library = stage.directory / "clock.so"
    source = program_run.PROGRAM / "clock.c"
    built = subprocess.run(
        ["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"],  # whichever compiler there is
        check=False,
        capture_output=True,
        text=True,
    )
    if built.returncode:
        return Verdict(0, 0, 0, [f"the clock cannot be moved: {built.stderr}"])
    preload = ("env", f"LD_PRELOAD={library}")
    with stage.collector() as collector:
        plain, recorded = (
            program_run.start(stage.program, "nothing", options, wrapped=preload).wait()
            for options in (None, ["-o", str(stage.recording), "--collector", collector.url])
        )
        views = stored_by_collector(collector), stored_in_recording(stage.recording)
        verdict = _both(plain, recorded, *views)
        odd = [hold for stored in views for hold in stored.holds_ns if not 10_000_000 < hold < 5_000_000_000]
        return verdict._replace(breaches=verdict.breaches + ([f"held for {odd} ns"] if odd else []))


@scenarios("program uses up its", ["files", "memory"])
def used_up(stage: Stage, kind: str) -> Verdict:
    """RLIMIT_NOFILE or RLIMIT_AS is reached, and the program works on for a second before it gives something back."""
    fault = f"use_up_{kind}"
    plain = stage.plain(fault)
    with stage.collector() as collector:
        recorded = stage.recorded("--collector", collector.url, "-o", stage.recording, fault=fault)
        return _both(plain, recorded, stored_by_collector(collector), stored_in_recording(stage.recording))


@scenario("program closes all files", short=True)
def closing(stage: Stage) -> Verdict:
    """Every descriptor from 3 on is closed, Tenure's too, and the program opens its own files under their numbers."""
    plain = stage.plain("close_files")
    with stage.collector() as collector:
        recorded = stage.recorded("--collector", collector.url, "-o", stage.recording, fault="close_files")
        return _both(plain, recorded, stored_by_collector(collector), stored_in_recording(stage.recording))


@scenario("standard streams closed", short=True)
def streamless(stage: Stage) -> Verdict:
    """Started without descriptors 0, 1 and 2: Tenure opens no file in their place."""
    closed = ("sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-')
    fault = "look_at_standard_descriptors"
    plain = program_run.start(stage.program, fault, None, wrapped=closed).wait()
    with stage.collector() as collector:
        options = ["--collector", collector.url, "-o", str(stage.recording)]
        recorded = program_run.start(stage.program, fault, options, wrapped=closed).wait()
        return _both(plain, recorded, stored_by_collector(collector), stored_in_recording(stage.recording))


@scenario("interrupted twice, and again", short=True)
def interrupted(stage: Stage) -> Verdict:
    """SIGINT twice ends the program; a third comes while its last flush waits for a collector that never answers."""
    plain = _interrupted(stage, None)
    with fault_proxy.in_front_of(
        0, lambda _: fault_proxy.MUTE
    ) as proxy:  # there is no collector behind it, nor need be
        recorded = _interrupted(stage, ["--collector", proxy.url, "-o", str(stage.recording)])
    verdict = judge(plain, recorded, stored_in_recording(stage.recording), killed=True)
    late = recorded.seconds - plain.seconds
    return verdict._replace(breaches=verdict.breaches + ([f"it ended {late:.1f} s late"] if late > 1.5 else []))


def _interrupted(stage: Stage, options: list[str] | None) -> ProgramExit:
    program = program_run.start(stage.program, "wait_for_signals", options)
    program.wait_for_line("ready")
    for _ in range(3):
        time.sleep(0.3)
        program.signal(signal.SIGINT)
    return program.wait()


@scenario("terminated twice")
def terminated(stage: Stage) -> Verdict:
    """SIGTERM twice for a program that handles it and goes on; and once for one that does not."""
    rows = []
    for fault in ("clean_up_slowly", "wait_for_signals"):
        plain, recorded = (_terminated(stage, fault, options) for options in (None, ["-o", str(stage.recording)]))
        rows.append(judge(plain, recorded, stored_in_recording(stage.recording), killed=True))
    return _together(rows)


def _terminated(stage: Stage, fault: str, options: list[str] | None) -> ProgramExit:
    program = program_run.start(stage.program, fault, options)
    program.wait_for_line("ready")
    for _ in range(2):
        time.sleep(0.5)
        program.signal(signal.SIGTERM)
    return program.wait()


def _both(plain: ProgramExit, recorded: ProgramExit, *views: Stored) -> Verdict:
    """The same run in a collector and in a recording: the row of the one that has less."""
    rows = [judge(plain, recorded, stored) for stored in views]
    return min(rows, key=lambda row: row.stored)._replace(breaches=[line for row in rows for line in row.breaches])


def _together(rows: list[Verdict]) -> Verdict:
    """Several runs of one scenario as one row."""
    return Verdict(
        sum(row.entered for row in rows),
        sum(row.stored for row in rows),
        sum(row.dropped for row in rows),
        [line for row in rows for line in row.breaches],
    )


def _without_privilege() -> None:
    """Root may write anywhere, unless this is taken from it."""
    if os.geteuid() == 0:
        ctypes.CDLL(None).prctl(_CAPBSET_DROP, _DAC_OVERRIDE, 0, 0, 0)
