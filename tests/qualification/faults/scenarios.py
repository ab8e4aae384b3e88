"""The table of scenarios, and where each is carried out."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.qualification.faults import program_run
from tests.qualification.faults.collector import Collector
from tests.qualification.faults.program_run import Done
from tests.qualification.faults.verdict import Told


class Stage:
    """An empty directory, and the same program in it as often as it is wanted."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.program = directory / "program"
        self.program.mkdir()
        self.recording = directory / "recording.json"

    def plain(self, happening: str = "nothing") -> Done:
        """The program as it is."""
        return program_run.start(self.program, happening, None).done()

    def plain_until_told(self) -> Done:
        """The program as it is, working until it is told, which is at once."""
        program = program_run.start(self.program, "until_told", None)
        program.go_on()
        return program.done()

    def recorded(self, *options: str | Path, happening: str = "nothing") -> Done:
        """The program under ``tenure run`` with these options."""
        return self.start(*options, happening=happening).done()

    def start(self, *options: str | Path, happening: str = "until_told") -> program_run.Running:
        """The same, and it runs; where nothing else is said, until it is told to come to its end."""
        return program_run.start(self.program, happening, [str(option) for option in options])

    @contextmanager
    def collector(self, *options: str, store: Path | None = None) -> Iterator[Collector]:
        """A collector that answers, with these options and perhaps this store."""
        collector = Collector(self.directory, *options, store=store)
        try:
            yield collector
        finally:
            collector.close()


def killed_in_the_middle(stage: Stage, options: Sequence[str] | None, times: int) -> Done:
    """The program, recorded or as it is, killed when it has left what it held so often."""
    program = program_run.start(stage.program, "until_told", options)
    program.until_left(times)
    program.signal(signal.SIGKILL)
    return program.done()


class Scenario(NamedTuple):
    """What is done to whom; ``short``: `make test` does it too."""

    name: str
    done: str
    run: Callable[[Stage], Told]
    short: bool


TABLE: dict[str, Scenario] = {}


def scenario(name: str, *, short: bool = False) -> Callable[[Callable[[Stage], Told]], Callable[[Stage], Told]]:
    """Put a function into the table; the first line of its docstring says what is done."""

    def enter(run: Callable[[Stage], Told]) -> Callable[[Stage], Told]:
        TABLE[name] = Scenario(name, (run.__doc__ or "").partition("\n")[0].rstrip("."), run, short)
        return run

    return enter


def scenarios(name: str, cases: Sequence[object]) -> Callable[[Callable[..., Told]], Callable[..., Told]]:
    """Put a function into the table once for each case, which is its second argument and the end of its name."""

    def enter(run: Callable[..., Told]) -> Callable[..., Told]:
        for case in cases:

            def carried_out(stage: Stage, case: object = case) -> Told:
                return run(stage, case)

            carried_out.__doc__ = run.__doc__
            scenario(f"{name} {case}")(carried_out)
        return run

    return enter
