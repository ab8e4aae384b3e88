"""Loaders whose modules are rewritten.

Rewritten code has a bytecode cache of its own, ``__pycache__/NAME.cpython-311.opt-tenureDIGEST.pyc``: the digest
covers all that goes into it beside the source text. A stale or foreign file is compiled over. Its head is that of
bytecode checked by hash (PEP 552), the hash being of the source's time and size: the times that Python's own cache
compares are whole seconds, within which a source can change. Its end is a digest of all before it, which is checked
before anything is read: unmarshalling what a disk or another program has changed may fail in any way, or crash.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.machinery
import importlib.util
import marshal
import sys
import zipimport
from pathlib import PurePath
from types import CodeType

from tenure._core import faults, probe_backend, real_paths
from tenure._identify import sites
from tenure._rewriting import ast_tools, rewriter, stamps
from tenure._rewriting.import_tracebacks import called_by_importing

_DIGEST_BYTES = 16
_UNCHECKED = (1).to_bytes(4, "little")  # the flags of bytecode that has a hash which nobody but its writer compares


class RewritingLoader(importlib.machinery.SourceFileLoader):
    """A source file's loader whose code is rewritten, and cached apart from the ordinary bytecode."""

    def __init__(self, fullname: str, path: str, *, sync: bool = False) -> None:
        super().__init__(fullname, path)
        self._sync = sync

    @called_by_importing
    def get_code(self, fullname: str) -> CodeType:
        """The module's code, from the cache where that is fresh.

        Raises:
            SyntaxError, OSError: as the ordinary loader.
        """
        path = self.get_filename(fullname)
        try:
            try:
                return self._code(path)
            except SyntaxError:
                raise
            except Exception as error:  # noqa: BLE001  # a fault of ours, unless the plain way fails as well
                fault = error
            code = super().source_to_code(self.get_data(path), path)
        except Exception as error:  # noqa: BLE001  # it goes on, without our frames
            raise error.with_traceback(None)  # noqa: B904  # it is the same one
        faults.fault(f"rewriting {path}", fault)
        return code

    def source_to_code(self, data: bytes, path: str, *, _optimization: int = -1) -> CodeType:  # type: ignore[override]
        """Rewritten code; where rewriting itself fails, the code as it is."""
        return compiled(bytes(data), path, sync=self._sync, optimize=_optimization)

    def cache_path(self, path: str) -> str | None:
        """The file of this module's rewritten bytecode; None where the interpreter keeps none."""
        digest = hashlib.sha256(f"{kind_of_code(sync=self._sync)}|{path}".encode(errors="surrogatepass"))
        try:
            return importlib.util.cache_from_source(path, optimization=f"tenure{digest.hexdigest()[:12]}")
        except NotImplementedError:  # what Python raises where it was built without bytecode files
            return None

    def _code(self, path: str) -> CodeType:
        cache = self.cache_path(path)
        stats = self.path_stats(path)
        head = _head(stats["mtime"], int(stats["size"]))
        code = self._read(cache, head) if cache is not None else None
        if code is None:
            code = self.source_to_code(self.get_data(path), path)
            if cache is not None and not sys.dont_write_bytecode:
                data = head + marshal.dumps(code)
                # Python's own way of writing: at one stroke, with the source's permissions, and silent if it cannot.
                self._cache_bytecode(path, cache, data + _digest(data))  # type: ignore[attr-defined]
        return code

    def _read(self, cache: str, head: bytes) -> CodeType | None:
        """The code in this file; None where it is not there, is another source's, or is not whole to the last byte.

        It is read as Python itself reads its cache: guards against blocking calls know that it may be.
        """
        try:
            data = memoryview(self.get_data(cache))
        except OSError:
            return None
        end = len(data) - _DIGEST_BYTES
        if end <= len(head) or data[: len(head)] != head or data[end:] != _digest(data[:end]):
            return None
        code = marshal.loads(data[len(head) : end])  # noqa: S302  # as Python's own does; it is what was written
        return code if isinstance(code, CodeType) else None


class RewritingZipLoader(zipimport.zipimporter):
    """A zip file's loader whose code is rewritten; bytecode without its source is run as it is."""

    def __init__(self, loader: zipimport.zipimporter, *, sync: bool = False) -> None:
        super().__init__(str(PurePath(loader.archive, loader.prefix)))
        self._sync = sync

    @called_by_importing
    def get_code(self, fullname: str) -> CodeType:
        """The module's code.

        Raises:
            SyntaxError, ZipImportError: as the ordinary loader.
        """
        try:
            path = self.get_filename(fullname)
            source = path.removesuffix("c")
            try:
                data = self.get_data(source)
            except OSError:
                return super().get_code(fullname)
            return self.source_to_code(data, source)
        except Exception as error:  # noqa: BLE001  # as above
            raise error.with_traceback(None)  # noqa: B904

    def source_to_code(self, data: bytes, path: str) -> CodeType:
        """As that of ``RewritingLoader``."""
        return compiled(data, path, sync=self._sync)


Rewriting = RewritingLoader | RewritingZipLoader


def kind_of_code(*, sync: bool) -> str:
    """All that decides what becomes of a source text; it is part of the names of caches."""
    return f"{_form()}|{probe_backend.NAME}|{sync}|{sys.flags.optimize}"


@functools.cache
def _form() -> str:
    """Which Tenure rewrites: the sizes and times of the files that decide the form of rewritten code."""
    try:
        found = [real_paths.size_and_time(str(module.__file__)) for module in (rewriter, stamps, ast_tools, sites)]
    except OSError:  # in a zip file, say
        return str(rewriter.VERSION)
    return "|".join([str(rewriter.VERSION), *(f"{size},{time}" for size, time in found)])


def compiled(source: bytes, path: str, *, sync: bool, optimize: int = -1) -> CodeType:
    """Source rewritten and compiled; compiled as it is where rewriting fails.

    Raises:
        SyntaxError, ValueError: as ``compile`` does.
    """
    try:
        return rewriter.rewrite(source, path, sync=sync, optimize=optimize)
    except SyntaxError:
        raise
    except Exception as error:  # noqa: BLE001  # a fault of the rewriting, unless the source is at fault
        fault = error
    code = compile(source, path, "exec", dont_inherit=True, optimize=optimize)
    faults.fault(f"rewriting {path}", fault)
    return code


def _head(mtime: float, size: int) -> bytes:
    """The first 16 bytes of a bytecode file: magic number, flags, hash."""
    return importlib.util.MAGIC_NUMBER + _UNCHECKED + importlib.util.source_hash(f"{mtime!r}|{size}".encode())


def _digest(data: bytes | memoryview) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()
