"""What is declared of one way of starting Python."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

UNITS = 12  # units of work of a run, at once


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way of starting Python.

    command    the words, as a shell takes them; {python}, {bin} and {port} are filled in
    packages   the distributions whose versions the table has; none: Python itself
    requests   it is a server, driven by HTTP requests
    sender     it is a worker of jobs: this program sends them
    ready      how often which text is in the output once all processes have started
    end_text   is in the output once for each unit of work that has ended
    names      of the units of work, as they must be
    unit       what a unit is called, if the roots of the traces have these names today; "": they do not yet
    done       how many units of work are done
    workers    at least so many processes do them
    recorded   their lifecycles are recorded
    light      its packages are in the development environment, so that `make test` has it
    stop       how it is stopped, so many seconds (``idle_s``) after its work
    prepare    what makes further files in its directory
    """

    name: str
    command: str
    packages: Sequence[str] = ()
    requests: bool = False
    sender: str = ""
    ready: tuple[int, str] = (0, "")
    end_text: str = ""
    names: Sequence[str] = ()
    unit: str = ""
    done: int = UNITS
    workers: int = 1
    recorded: bool = True
    light: bool = False
    redis: bool = False
    stdin: str = ""
    stop: signal.Signals = signal.SIGINT
    idle_s: float = 0.0
    prepare: Callable[[Path], None] | None = None
    notes: str = ""

    def words(self, python: Path, port: int) -> list[str]:
        """The command for this Python and this port."""
        names = {"python": str(python), "bin": str(python.parent), "port": str(port)}
        return [word.format(**names) for word in shlex.split(self.command)]
