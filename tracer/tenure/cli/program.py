"""Loads the traced program as the interpreter would, and executes it as ``__main__``.

The program sees what it sees without Tenure: ``__main__`` with its ``__file__``, ``__spec__`` and ``__package__``,
``sys.argv``, ``sys.path[0]``, the exit code, and tracebacks of uncaught exceptions, which have no frame of Tenure.
"""

from __future__ import annotations

import importlib.util
import os
import pkgutil
import runpy
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import BuiltinImporter, ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import NamedTuple

from tenure._core import faults
from tenure._core.paths import PACKAGE_DIR
from tenure._rewriting import import_hook, post_import, rewriter
from tenure._rewriting.loaders import RewritingLoader
from tenure.errors import UsageError


class Program(NamedTuple):
    """The program to execute: its name for people, its directory, its module, and the loader of its code."""

    name: str
    directory: Path
    module: ModuleType
    loader: SourceFileLoader | None  # None: not a source file; the loader of the module's spec has the code


def load_script(path: str, arguments: Sequence[str], *, sync: bool, command: str = "tenure run") -> Program:
    """Load a script, or a directory or zip file with a ``__main__.py``; ``command`` is the command for error messages.

    Raises:
        UsageError: it does not exist or cannot be read.
    """
    sys.argv[:] = [path, *arguments]
    absolute = os.path.abspath(path)  # noqa: PTH100  # as the interpreter does: links are not resolved
    if Path(path).is_dir() or path.endswith((".zip", ".pyz")):
        return _archive(path, absolute, command, sync=sync)
    try:
        with Path(path).open("rb"):
            pass
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror} ({command} [options] script.py)") from None
    _set_first_path(os.path.dirname(os.path.realpath(path)))  # noqa: PTH120
    try:
        loader: SourceFileLoader = RewritingLoader("__main__", absolute, sync=sync)
    except Exception as error:  # noqa: BLE001  # a fault in Tenure: the program runs as it is
        faults.fault(f"rewriting {path}", error)
        loader = SourceFileLoader("__main__", absolute)
    module = _main_module(absolute, None, loader)
    return Program(Path(path).stem, Path(absolute).parent, module, loader)


def load_module(name: str, arguments: Sequence[str], *, command: str = "tenure run") -> Program:
    """Load a module, or a package's ``__main__``, as ``python -m`` does; ``command`` is the command for error messages.

    The import hook must be installed before.

    Raises:
        UsageError: there is no such module, or it cannot be executed.
    """
    sys.argv[:] = ["-m", *arguments]
    _set_first_path(str(Path.cwd()))
    spec = _find_spec(name, command)
    if spec.submodule_search_locations is not None:
        spec = _find_spec(f"{name}.__main__", command, f"{name} is a package without a __main__ module")
    spec.loader = post_import.loader_of(spec)
    if spec.loader is None or not hasattr(spec.loader, "get_code"):
        raise UsageError(f"module {name} has no Python code to run ({command} -m module)")
    origin = spec.origin or name
    sys.argv[0] = origin
    return Program(name.rpartition(".")[2], Path(origin).parent, _main_module(origin, spec, spec.loader), None)


def command(text: str, arguments: Sequence[str], *, sync: bool) -> Program:
    """A text, as ``python -c`` takes it."""
    sys.argv[:] = ["-c", *arguments]
    _set_first_path("")
    module = ModuleType("__main__")
    module.__loader__ = BuiltinImporter
    vars(module)["__builtins__"] = sys.modules["builtins"]
    if sys.version_info < (3, 14):
        module.__annotations__ = {}
    _replaced_main_modules.append(sys.modules["__main__"])
    sys.modules["__main__"] = module
    return Program("python", Path.cwd(), module, _TextLoader(text, sync=sync))


class _TextLoader(RewritingLoader):
    """Gives a text in place of a file's."""

    def __init__(self, text: str, *, sync: bool) -> None:
        super().__init__("__main__", "<string>", sync=sync)
        self._text = text

    def get_data(self, path: str) -> bytes:  # noqa: ARG002
        return self._text.encode("utf-8", "surrogateescape")


def execute(program: Program) -> None:
    """Run the program; its exceptions propagate to the interpreter, with tracebacks that begin in the program."""
    execute_code(lambda: _code(program), program.module.__dict__)


def execute_code(compiled: Callable[[], CodeType], namespace: dict[str, object]) -> None:
    """Compile and run the program; as ``execute``."""
    try:
        exec(compiled(), namespace)  # noqa: S102  # the purpose of `tenure run`
    except SystemExit:
        raise
    except BaseException as error:
        try:
            _hide_our_frames(error)
        except Exception as fault:  # noqa: BLE001  # then Tenure's frames are visible
            faults.fault("removing Tenure's frames from a traceback", fault)
        raise


def _code(program: Program) -> CodeType:
    if program.loader is not None:
        path = program.loader.path
        data = program.loader.get_data(path)
        try:
            if rewriter.has_helpers():
                return program.loader.source_to_code(data, path)
        except SyntaxError:
            raise
        except Exception as error:  # noqa: BLE001  # a fault in Tenure, unless the ordinary way fails as well
            faults.fault(f"rewriting {path}", error)
        return SourceFileLoader.source_to_code(program.loader, data, path)
    spec = program.module.__spec__
    assert spec is not None
    assert spec.loader is not None
    code: CodeType | None = spec.loader.get_code(spec.name)  # type: ignore[attr-defined]
    if code is None:
        raise ImportError(f"No code object available for {spec.name}")
    return code


def _archive(path: str, absolute: str, command: str, *, sync: bool) -> Program:
    _set_first_path(absolute)
    importer = pkgutil.get_importer(absolute)
    spec = importer.find_spec("__main__") if importer is not None else None
    if spec is None or spec.loader is None:
        raise UsageError(f"cannot find a __main__ module in {path} ({command} [options] script.py)")
    try:
        import_hook.rewrite_on_import(spec, sync=sync)
    except Exception as error:  # noqa: BLE001  # a fault in Tenure: the program runs as it is
        faults.fault(f"rewriting {path}", error)
    return Program(Path(path).stem, Path(absolute), _main_module(spec.origin or path, spec, spec.loader), None)


def _find_spec(name: str, command: str, otherwise: str = "") -> ModuleSpec:
    missing = UsageError(f"{otherwise or f'no module named {name}'} ({command} -m module)")
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise missing from None
        raise
    except (ImportError, ValueError) as error:
        raise UsageError(f"cannot find module {name}: {error} ({command} -m module)") from None
    if spec is None:
        raise missing
    return spec


def _main_module(file: str, spec: ModuleSpec | None, loader: object) -> ModuleType:
    """Make a new ``__main__``; the old one, whose code is running, is kept alive here."""
    previous = sys.modules["__main__"]
    module = ModuleType("__main__")
    attributes: dict[str, object] = {
        "__file__": file,
        "__spec__": spec,
        "__loader__": loader,
        "__package__": spec.parent if spec is not None else None,
        "__cached__": spec.cached if spec is not None else None,
        "__annotations__": {},
        "__builtins__": sys.modules["builtins"],
    }
    # Which of these a __main__ has depends on the interpreter's version; the old one has exactly those.
    vars(module).update({name: value for name, value in attributes.items() if name in vars(previous)})
    _replaced_main_modules.append(previous)
    sys.modules["__main__"] = module
    return module


_replaced_main_modules: list[ModuleType] = []


def _set_first_path(directory: str) -> None:
    """Replace the directory of Tenure's own script, which the interpreter put into ``sys.path``, by the program's."""
    if not sys.flags.safe_path:
        sys.path[0] = directory


def _hide_our_frames(error: BaseException) -> None:
    """Give ``sys.excepthook`` the traceback that begins in the program."""
    traceback = error.__traceback__
    while traceback is not None and (  # code that only starts the program: Tenure's, or runpy's where that called it
        traceback.tb_frame.f_code in _OWN_CODE or traceback.tb_frame.f_code.co_filename in _STARTERS
    ):
        traceback = traceback.tb_next
    if isinstance(error, SyntaxError) and _is_compiling(traceback):
        traceback = None
    hook = sys.excepthook

    def once(kind: type[BaseException], value: BaseException, _: TracebackType | None) -> None:
        sys.excepthook = hook
        value.__traceback__ = sys.last_traceback = traceback
        hook(kind, value, traceback)

    sys.excepthook = once


def _is_compiling(traceback: TracebackType | None) -> bool:
    """Whether the error comes from compiling the program: all frames are the import system's and Tenure's."""
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if not file.startswith(("<frozen importlib", PACKAGE_DIR)):
            return False
        traceback = traceback.tb_next
    return True


LAUNCHER_FILE = "<tenure>"
_OWN_CODE = {execute.__code__, execute_code.__code__}
_STARTERS = {LAUNCHER_FILE, "<frozen runpy>", runpy.__file__}
