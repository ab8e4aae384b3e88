"""The table of scenarios, and the directory in which one runs."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.qualification.faults import program_run
from tests.qualification.faults.collector import Collector
from tests.qualification.faults.program_run import ProgramExit
from tests.qualification.faults.verdict import Verdict


class Stage:
    """A directory for one scenario, with the program in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.program = directory / "program"
        self.program.mkdir()
        self.recording = directory / "recording.json"

    def plain(self, fault: str = "nothing") -> ProgramExit:
        """The program as it is."""
        return program_run.start(self.program, fault, None).wait()

    def plain_until_told(self) -> ProgramExit:
        """The program as it is, with the work of ``until_told`` ended at once."""
        program = program_run.start(self.program, "until_told", None)
        program.finish()
        return program.wait()

    def recorded(self, *options: str | Path, fault: str = "nothing") -> ProgramExit:
        """The program under ``tenure run`` with these options."""
        return self.start(*options, fault=fault).wait()

    def start(self, *options: str | Path, fault: str = "until_told") -> program_run.RunningProgram:
        """The same, still running; by default until ``finish``."""
        return program_run.start(self.program, fault, [str(option) for option in options])

    @contextmanager
    def collector(self, *options: str, store: Path | None = None) -> Iterator[Collector]:
        """A collector that answers, with these options and this store if one is given."""
        collector = Collector(self.directory, *options, store=store)
        try:
            yield collector
        finally:
            collector.close()


def killed_in_the_middle(stage: Stage, options: Sequence[str] | None, times: int) -> ProgramExit:
    """The program, recorded or as it is, killed after so many releases."""
    program = program_run.start(stage.program, "until_told", options)
    program.wait_for_releases(times)
    program.signal(signal.SIGKILL)
    return program.wait()


class Scenario(NamedTuple):
    """One fault; ``short``: `make test` runs it too."""

    name: str
    description: str
    run: Callable[[Stage], Verdict]
    short: bool


TABLE: dict[str, Scenario] = {}


def scenario(name: str, *, short: bool = False) -> Callable[[Callable[[Stage], Verdict]], Callable[[Stage], Verdict]]:
    """Put a function into the table; the first line of its docstring is the description."""

    def enter(run: Callable[[Stage], Verdict]) -> Callable[[Stage], Verdict]:
        TABLE[name] = Scenario(name, (run.__doc__ or "").partition("\n")[0].rstrip("."), run, short)
        return run

    return enter


def scenarios(name: str, cases: Sequence[object]) -> Callable[[Callable[..., Verdict]], Callable[..., Verdict]]:
    """Put a function into the table once for each case, which is its second argument and the end of its name."""

    def enter(run: Callable[..., Verdict]) -> Callable[..., Verdict]:
        for case in cases:

            def carried_out(stage: Stage, case: object = case) -> Verdict:
                return run(stage, case)

            carried_out.__doc__ = run.__doc__
            scenario(f"{name} {case}")(carried_out)
        return run

    return enter
