"""The main program of an interpreter that starts recorded: its ``__main__`` is rewritten, however Python was started.

    python script.py       a hook of ``sys.path_hooks`` claims the script's path, as zipimport claims a zip file's;
                           ``runpy`` then asks its loader for the code
    python -c CODE         an audit hook gets the command before it is run, and runs it rewritten
    python < FILE          likewise
    python -m MODULE       the import hook finds the module; so it does in a directory and in a zip file
    runpy.run_path(FILE)   its way of reading a file is replaced; multiprocessing's spawned children come by it

In each case the program sees itself as without Tenure: ``__main__`` and its attributes, ``sys.argv``, ``sys.path``, the
exit code and the traceback.
"""

from __future__ import annotations

import atexit
import builtins
import importlib.machinery
import io
import os
import runpy
import signal
import sys
import zipimport
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import CodeType
from typing import Any

from tenure._core import faults
from tenure._rewriting import loaders
from tenure._rewriting.loaders import RewritingLoader
from tenure._rewriting.module_filter import ModuleFilter
from tenure.cli import program

_LAUNCHER = "__tenure_launch__"  # a name of builtins, for the one call that starts the program
_interrupted: list[bool] = []  # not empty: a KeyboardInterrupt ended the command


def end_by_interrupt() -> None:
    """The last call of ``atexit``: end by SIGINT, as Python does where a command did not catch it."""
    if _interrupted and os.name == "posix":
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)


def prepare(kind: str) -> None:
    """Register the last call of ``atexit``: recording, which begins later, registers its own."""
    if kind in {"command", "stdin"}:
        atexit.register(end_by_interrupt)


def record_main(kind: str, text: str, selection: ModuleFilter, *, sync: bool) -> None:
    """Have ``__main__`` rewritten. ``kind`` is "script", "command" or "stdin"; ``text`` is the path or the command."""
    if kind == "script" and _is_source_file(text):
        sys.path_hooks.insert(0, _ScriptHook(text, sync=sync))
    elif kind == "command" and _may_enter(text, sync=sync) and not _is_inspected():
        _run_on_event("cpython.run_command", lambda: text.encode("utf-8", "surrogateescape"), "<string>", sync=sync)
    elif kind == "stdin" and sys.stdin is not None and not sys.stdin.isatty() and not _is_inspected():
        _run_on_event("cpython.run_stdin", sys.stdin.buffer.read, "<stdin>", sync=sync)
    _record_run_path(selection, sync=sync)


def _is_source_file(path: str) -> bool:
    """Whether Python would read this file as source text: no directory, no zip file, no bytecode."""
    if not os.path.isfile(path) or path.endswith(".pyc"):  # noqa: PTH113
        return False
    try:
        zipimport.zipimporter(path)
    except zipimport.ZipImportError:
        return True
    return False


def _may_enter(text: str, *, sync: bool) -> bool:
    """Whether the text of a command can contain such a statement; that of multiprocessing's children cannot."""
    return "async" in text or (sync and "with" in text)


def _is_inspected() -> bool:
    """Whether a prompt follows the program (``-i``): Python then does not take the program's end from a hook."""
    return bool(sys.flags.inspect or sys.flags.interactive)


class _ScriptHook:
    """Claims the path of the script, once, and takes itself away."""

    def __init__(self, script: str, *, sync: bool) -> None:
        self._script = os.path.abspath(script)  # noqa: PTH100
        self._sync = sync

    def __call__(self, path: str) -> _ScriptImporter:
        if os.path.abspath(path) != self._script:  # noqa: PTH100
            raise ImportError
        sys.path_hooks.remove(self)
        return _ScriptImporter(path, sync=self._sync)


class _ScriptImporter:
    """Finds ``__main__`` in a script, as zipimport finds it in a zip file."""

    def __init__(self, path: str, *, sync: bool) -> None:
        self._path, self._sync = path, sync
        self._attribute_names = set(vars(sys.modules["__main__"]))  # which it has depends on the interpreter's version

    def find_spec(self, name: str, target: object = None) -> importlib.machinery.ModuleSpec | None:  # noqa: ARG002
        if name != "__main__":
            return None
        sys.path_importer_cache.pop(self._path, None)
        if sys.path and sys.path[0] == self._path:
            if sys.flags.safe_path:
                del sys.path[0]
            else:
                sys.path[0] = os.path.dirname(os.path.realpath(self._path))  # noqa: PTH120
        loader = _ScriptLoader("__main__", self._path, self._attribute_names, sync=self._sync)
        return importlib.machinery.ModuleSpec("__main__", loader, origin=self._path)


class _ScriptLoader(importlib.machinery.SourceFileLoader):
    """Gives ``runpy`` a code whose one call runs the script as Python itself runs a file."""

    def __init__(self, name: str, path: str, attribute_names: set[str], *, sync: bool) -> None:
        super().__init__(name, path)
        self._attribute_names, self._sync = attribute_names, sync

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002  # it is __main__
        setattr(builtins, _LAUNCHER, self._launch)
        return compile(f"{_LAUNCHER}()", program.LAUNCHER_FILE, "exec")

    def _launch(self) -> None:
        delattr(builtins, _LAUNCHER)
        main = sys.modules["__main__"]
        loader: importlib.machinery.SourceFileLoader = RewritingLoader("__main__", self.path, sync=self._sync)
        attributes: dict[str, object] = {"__file__": self.path, "__spec__": None, "__package__": None}
        attributes |= {"__loader__": importlib.machinery.SourceFileLoader("__main__", self.path), "__cached__": None}
        for name in ("__spec__", "__package__", "__cached__", "__loader__"):
            vars(main).pop(name, None)
        expected = self._attribute_names | ({"__file__"} if sys.version_info >= (3, 15) else {"__file__", "__cached__"})
        vars(main).update({name: value for name, value in attributes.items() if name in expected})
        program.execute(program.Program("", Path(self.path).parent, main, loader))


def _run_on_event(event: str, read: Callable[[], bytes], file: str, *, sync: bool) -> None:
    """Run a text rewritten when Python is about to run it, and end the process as Python would."""
    pending = [True]

    def hook(name: str, _: tuple[object, ...]) -> None:
        if name != event or not pending:
            return
        pending.clear()
        try:
            program.execute_code(
                lambda: loaders.compile_rewritten(read(), file, sync=sync), vars(sys.modules["__main__"])
            )
        except KeyboardInterrupt:
            _interrupted.append(True)
            raise
        raise SystemExit

    hook.__cantrace__ = True  # type: ignore[attr-defined]  # a debugger or coverage sees the program's code
    sys.addaudithook(hook)


def _record_run_path(selection: ModuleFilter, *, sync: bool) -> None:
    """Have the program's own files rewritten that ``runpy`` runs by their path."""
    name = "_get_code_from_file"
    read: Callable[..., Any] | None = getattr(runpy, name, None)
    if read is None:
        return

    def read_rewritten(*arguments: str) -> Any:
        path = os.fsdecode(arguments[-1])
        try:
            is_own = selection.includes("__main__", os.path.abspath(path)) and _is_source_file(path)  # noqa: PTH100
        except Exception as error:  # noqa: BLE001  # then it runs as it is
            faults.fault(f"rewriting {path}", error)
            is_own = False
        if not is_own:
            return read(*arguments)
        with io.open_code(os.path.abspath(path)) as file:  # noqa: PTH100
            code = loaders.compile_rewritten(file.read(), path, sync=sync)
        return code if len(arguments) == 1 else (code, path)  # Python 3.11 and 3.12 pass the name first

    setattr(runpy, name, read_rewritten)
