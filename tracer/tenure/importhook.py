"""The import hook: the program's own modules are compiled with their ``async with`` recorded.

It stands at the front of ``sys.meta_path``, lets every other finder look first, and gives a module another loader only
where it is a plain source file that was selected. So whatever else takes part in importing (editable installs, pytest's
assertion rewriting, zip files) goes on as it was.

Rewritten code has a bytecode cache of its own, ``__pycache__/NAME.cpython-311.opt-tenureXXXXXXXX.pyc``: the digest
covers all that goes into it beside the source text. A stale or foreign file is compiled over.
"""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.util
import marshal
import sys
import sysconfig
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import CodeType, ModuleType

from tenure import buffer, native, rewriting

_INSTALLED = ("site-packages", "dist-packages")


class Selection:
    """Which modules are the program's own.

    A module is selected when its file lies below one of ``roots`` and is not installed there, or its name is one of
    ``include`` or below one; ``exclude`` goes before both. Tenure itself never is.
    """

    def __init__(self, roots: Sequence[Path], include: Sequence[str] = (), exclude: Sequence[str] = ()) -> None:
        self.roots = [root.resolve() for root in roots]
        self._include, self._exclude = include, ("tenure", *exclude)
        paths = sysconfig.get_paths()
        self._library = [Path(paths[name]).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")]

    def add_root(self, root: Path) -> None:
        """One more directory whose modules are the program's own."""
        self.roots.append(root.resolve())

    def wants(self, name: str, file: str) -> bool:
        """Whether this module, in this file, is to be rewritten."""
        if self.excludes(name):
            return False
        if any(_is_in(name, package) for package in self._include):
            return True
        path = Path(file).resolve()
        return not self.is_installed(path) and any(path.is_relative_to(root) for root in self.roots)

    def excludes(self, name: str) -> bool:
        """Whether this module is one that was told to be left as it is."""
        return any(_is_in(name, package) for package in self._exclude)

    def is_installed(self, path: Path) -> bool:
        """Whether this file belongs to an installed package or to the standard library."""
        return any(part in _INSTALLED for part in path.parts) or any(path.is_relative_to(lib) for lib in self._library)


def _is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


class Finder(MetaPathFinder):
    """Lets the others find a module and changes the loader of the selected ones."""

    def __init__(self, selection: Selection, *, sync: bool = False) -> None:
        self.selection, self.sync = selection, sync

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec that the finders after this one give, with a rewriting loader where the module is selected."""
        spec = self._found_by_others(fullname, path, target)
        if spec is None or type(spec.loader) is not importlib.machinery.SourceFileLoader:
            return spec
        try:
            if spec.origin is not None and self.selection.wants(fullname, spec.origin):
                spec.loader = RewritingLoader(fullname, spec.origin, sync=self.sync)
                spec.cached = spec.loader.cache_path(spec.origin)
        except Exception as error:  # noqa: BLE001  # then it is imported as it is
            buffer.fault(f"selecting the module {fullname}", error)
        return spec

    def _found_by_others(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> importlib.machinery.ModuleSpec | None:
        finders = sys.meta_path
        after = finders[finders.index(self) + 1 :] if self in finders else finders
        for finder in after:
            find_spec = getattr(finder, "find_spec", None)
            spec: importlib.machinery.ModuleSpec | None = find_spec(fullname, path, target) if find_spec else None
            if spec is not None:
                return spec
        return None


class RewritingLoader(importlib.machinery.SourceFileLoader):
    """A source file's loader whose code is rewritten, and cached apart from the ordinary bytecode."""

    def __init__(self, fullname: str, path: str, *, sync: bool = False) -> None:
        super().__init__(fullname, path)
        self._sync = sync

    def get_code(self, fullname: str) -> CodeType:
        """The module's code, from the cache where that is fresh.

        Raises:
            SyntaxError, OSError: as the ordinary loader.
        """
        path = self.get_filename(fullname)
        stats = self.path_stats(path)
        head = _head(int(stats["mtime"]), int(stats["size"]))
        cache = self.cache_path(path)
        code = _read(cache, head) if cache is not None else None
        if code is None:
            code = self.source_to_code(self.get_data(path), path)
            if cache is not None and not sys.dont_write_bytecode:
                self.set_data(cache, head + marshal.dumps(code))
        return code

    def source_to_code(self, data: bytes, path: str, *, _optimization: int = -1) -> CodeType:  # type: ignore[override]
        """Rewritten code; where rewriting itself fails, the code as it is."""
        return compiled(bytes(data), path, sync=self._sync, optimize=_optimization)

    def cache_path(self, path: str) -> str | None:
        """The file of this module's rewritten bytecode; None where the interpreter keeps none."""
        kind = f"{rewriting.VERSION}|{native.NAME}|{self._sync}|{sys.flags.optimize}|{path}"
        digest = hashlib.sha256(kind.encode(errors="surrogatepass")).hexdigest()[:12]
        try:
            return importlib.util.cache_from_source(path, optimization=f"tenure{digest}")
        except NotImplementedError:
            return None


def compiled(source: bytes, path: str, *, sync: bool, optimize: int = -1) -> CodeType:
    """Source rewritten and compiled; compiled as it is where rewriting fails.

    Raises:
        SyntaxError, ValueError: as ``compile`` does.
    """
    if b"async" in source or (sync and b"with" in source):
        try:
            return rewriting.rewrite(source, path, sync=sync, optimize=optimize)
        except (SyntaxError, ValueError):
            pass  # raised again below, by the source itself
        except Exception as error:  # noqa: BLE001  # a fault of the rewriting: the module runs unrecorded
            buffer.fault(f"rewriting {path}", error)
    return compile(source, path, "exec", dont_inherit=True, optimize=optimize)


def _head(mtime: int, size: int) -> bytes:
    """The first 16 bytes of a bytecode file that is checked by time and size (PEP 552)."""
    mask = 0xFFFFFFFF
    return (
        importlib.util.MAGIC_NUMBER
        + bytes(4)
        + (mtime & mask).to_bytes(4, "little")
        + (size & mask).to_bytes(4, "little")
    )


def _read(cache: str, head: bytes) -> CodeType | None:
    try:
        data = Path(cache).read_bytes()
        code = marshal.loads(data[len(head) :]) if data.startswith(head) else None  # noqa: S302  # as Python's own do
    except (OSError, ValueError, EOFError, TypeError):
        return None
    return code if isinstance(code, CodeType) else None
