"""``%load_ext tenure`` in IPython and Jupyter: records what later cells enter, with the options of the environment."""

from __future__ import annotations

from pathlib import Path

from tenure import session
from tenure._core.stderr import say
from tenure._rewriting.module_filter import ModuleFilter
from tenure.cli import environment, process_end, run
from tenure.errors import UsageError


def load_ipython_extension(shell: object) -> None:  # noqa: ARG001  # IPython's signature
    """Begin to record this process, if it is not recorded already; an error costs one line on stderr."""
    if session.is_recording():
        return
    options = environment.options()
    try:
        selection = ModuleFilter([Path.cwd()], options.include, options.exclude)
        run.begin(options, "ipython", selection, process_end.diagram_path(options.output), None)
    except UsageError as error:
        say(f"{error} (this process is not recorded)")
        return
    session.record_caller(selection, sync=options.sync)


def unload_ipython_extension(shell: object) -> None:  # noqa: ARG001  # IPython's signature
    """Ship what was recorded and record nothing more."""
    session.uninstall()
