"""``tenure`` and ``python -m tenure``."""

from __future__ import annotations

import sys

import tenure
from tenure.cli import plugins
from tenure.errors import UsageError

USAGE = """\
usage: tenure COMMAND ...

  run      run a program and record what it holds          tenure run app.py
  serve    run the collector and its dashboard             tenure serve
  export   convert a recording or a collector's records    tenure export x.json --to mermaid
  doctor   report what is recorded, what is not, and why   tenure doctor app.py

`tenure COMMAND --help` lists the options of a command; `tenure --version` prints the version.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code; 2, with one line on stderr, if it cannot be carried out."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or arguments[0] in {"-h", "--help"}:
        sys.stdout.write(USAGE)
        return 0 if arguments else 2
    if arguments[0] in {"-V", "--version"}:
        sys.stdout.write(f"tenure {tenure.__version__}\n")
        return 0
    try:
        command = plugins.find(arguments[0])
    except UsageError as error:
        sys.stderr.write(f"tenure: {error}\n")
        return 2
    return command(arguments[1:])


if __name__ == "__main__":
    sys.exit(main())
