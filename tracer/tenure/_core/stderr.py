"""One line for the person who runs the program, on the process's own stderr."""

from __future__ import annotations

import sys

from tenure._core import process_scrubber


def say(line: str) -> None:
    """One line on the process's own stderr, without secrets, whatever the program made of sys.stderr."""
    try:
        if sys.__stderr__ is not None:
            sys.__stderr__.write(f"tenure: {process_scrubber.line(line)}\n")
            sys.__stderr__.flush()
    except (OSError, ValueError):
        pass  # it is closed
