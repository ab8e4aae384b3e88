"""Recording from the first line on: what the start-up file calls if $TENURE_RECORD is set."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tenure import session
from tenure._core import process_tree
from tenure._core.paths import FROZEN_DIR
from tenure._core.stderr import say
from tenure._rewriting import frozen
from tenure._rewriting.module_filter import ModuleFilter
from tenure.cli import environment, installed_program, main_program, process_end, run, shadowed
from tenure.errors import UsageError

_begun: list[bool] = []


def begin() -> None:
    """Begin to record this process, if $TENURE_RECORD asks for it; an error costs one line on stderr."""
    if _begun:
        return  # in a virtual environment, Python reads each start-up file twice
    _begun.append(True)
    try:
        if environment.is_wanted() and not _is_tenure():
            _begin()
    except UsageError as error:
        say(f"{error} (this process is not recorded)")
    except Exception as error:  # noqa: BLE001  # the program runs on, unrecorded
        session.give_up(error)


def _begin() -> None:
    options = environment.options()
    kind, text = main_kind()
    main_program.prepare(kind)
    roots = [Path.cwd()]
    if kind == "script":
        roots.append(Path(text).resolve() if Path(text).is_dir() else Path(text).resolve().parent)
    include = environment.include(options, installed_program.packages(kind, text, sys.argv[1:]))
    selection = ModuleFilter(roots, include, options.exclude, main_module=text if kind == "module" else "")
    tree = process_tree.from_environment()
    continues = tree is not None
    diagram = process_end.diagram_path(options.output)
    if tree is None:
        tree = process_tree.create()
        environment.fix_output(options)
    directory = os.environ.get("TENURE_DOCTOR")
    if directory and continues:
        from tenure.cli import doctor  # noqa: PLC0415  # it takes long to import, and only `tenure doctor` needs it

        doctor.begin(options, _name(kind, text), selection, tree, Path(directory))
    else:
        run.begin(options, _name(kind, text), selection, diagram, tree, continues=continues)
    if continues and not (kind == "command" and text.startswith(_HELPERS)):
        tree.note_started()
    if (problem := frozen.problem()) and tree.claim(problem):
        say(problem)
    main_program.record_main(kind, text, selection, sync=options.sync)
    if kind != "frozen":
        shadowed.give_way(_first_path(kind, text))


# Processes of multiprocessing that end when the root has ended.
_HELPERS = "from multiprocessing.resource_tracker import", "from multiprocessing.forkserver import"


def main_kind() -> tuple[str, str]:
    """How Python was started, and its path, name or text.

    The first is "script", "frozen", "module", "command", "stdin" or "prompt".
    """
    if FROZEN_DIR:
        return "frozen", sys.executable
    program = sys.argv[0] if sys.argv else ""
    arguments = sys.orig_argv[1:]
    if program in {"-m", "-c"}:
        kind = "module" if program == "-m" else "command"
        return kind, _value_of(program, arguments)
    if program in {"", "-"}:
        return ("prompt" if sys.stdin is not None and sys.stdin.isatty() else "stdin"), ""
    return "script", program


def _first_path(kind: str, text: str) -> str:
    """The first directory of the program's ``sys.path``."""
    if kind != "script":
        return ""
    return text if os.path.isdir(text) else os.path.dirname(os.path.realpath(text))  # noqa: PTH112, PTH120


def _value_of(option: str, arguments: list[str]) -> str:
    """What follows ``-m`` or ``-c``, which may be joined to other short options: ``-Im NAME``, ``-mNAME``."""
    letter = option[1]
    index = 0
    while index < len(arguments):
        word = arguments[index]
        if word.startswith("--"):
            index += 1
            continue
        if not word.startswith("-"):
            return ""
        for position, character in enumerate(word[1:], 1):
            if character == letter:
                return word[position + 1 :] or (arguments[index + 1] if index + 1 < len(arguments) else "")
            if character in "WX":
                index += not word[position + 1 :]
                break
        index += 1
    return ""


def _name(kind: str, text: str) -> str:
    if kind in {"script", "frozen"}:
        return Path(text).stem
    if kind == "module":
        return text.rpartition(".")[2]
    return os.environ.get(environment.PROGRAM) or "python"


def _is_tenure() -> bool:
    """Whether this process is one of Tenure's own commands, which do not record themselves."""
    kind, text = main_kind()
    if kind == "module":
        return text == "tenure" or text.startswith(("tenure.", "tenure_server."))
    return kind == "script" and Path(text).name in {"tenure", "tenure.exe", "tenure-script.py"}
