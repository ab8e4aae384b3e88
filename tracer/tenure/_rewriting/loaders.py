"""Loaders whose modules are rewritten.

Rewritten code has its own bytecode cache, ``__pycache__/NAME.cpython-311.opt-tenureDIGEST.pyc``. The digest covers
everything that determines the code besides the source text. A stale or foreign file is replaced. The file begins like
bytecode that is checked by hash (PEP 552). The hash covers the source's time and size, because Python's own cache
compares times in whole seconds, and a source can change twice in one second. The file ends with a digest of everything
before it, which is checked first: unmarshalling damaged data may fail in any way, or crash.
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
from tenure._rewriting.import_tracebacks import as_import_boundary

_DIGEST_BYTES = 16
_UNCHECKED = (1).to_bytes(4, "little")  # flags of bytecode with a hash that Python itself does not compare


class RewritingLoader(importlib.machinery.SourceFileLoader):
    """A loader for source files that rewrites the code and caches it apart from the ordinary bytecode."""

    def __init__(self, fullname: str, path: str, *, sync: bool = False) -> None:
        super().__init__(fullname, path)
        self._sync = sync

    @as_import_boundary
    def get_code(self, fullname: str) -> CodeType:
        """Return the module's code, from the cache if that is fresh.

        Raises:
            SyntaxError, OSError: as the ordinary loader does.
        """
        path = self.get_filename(fullname)
        try:
            try:
                return self._code(path)
            except SyntaxError:
                raise
            except Exception as error:  # noqa: BLE001  # a fault in Tenure, unless the ordinary loader fails as well
                fault = error
            code = super().source_to_code(self.get_data(path), path)
        except Exception as error:  # noqa: BLE001  # it propagates without Tenure's frames
            raise error.with_traceback(None)  # noqa: B904  # the same exception
        faults.fault(f"rewriting {path}", fault)
        return code

    def source_to_code(self, data: bytes, path: str, *, _optimization: int = -1) -> CodeType:  # type: ignore[override]
        """Compile and rewrite; if rewriting itself fails, compile the source as it is."""
        return compile_rewritten(bytes(data), path, sync=self._sync, optimize=_optimization)

    def cache_path(self, path: str) -> str | None:
        """Return the path of this module's rewritten bytecode; None if the interpreter has no bytecode files."""
        digest = hashlib.sha256(f"{code_variant(sync=self._sync)}|{path}".encode(errors="surrogatepass"))
        try:
            return importlib.util.cache_from_source(path, optimization=f"tenure{digest.hexdigest()[:12]}")
        except NotImplementedError:  # Python was built without bytecode files
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
                # As Python writes its cache: atomically, with the source's permissions, silent if it fails.
                self._cache_bytecode(path, cache, data + _digest(data))  # type: ignore[attr-defined]
        return code

    def _read(self, cache: str, head: bytes) -> CodeType | None:
        """Return the code in this file; None if it is missing, of another source, or damaged.

        It is read as Python itself reads its cache, because guards against blocking calls permit that.
        """
        try:
            data = memoryview(self.get_data(cache))
        except OSError:
            return None
        end = len(data) - _DIGEST_BYTES
        if end <= len(head) or data[: len(head)] != head or data[end:] != _digest(data[:end]):
            return None
        code = marshal.loads(data[len(head) : end])  # noqa: S302  # as Python does; the digest is right
        return code if isinstance(code, CodeType) else None


class RewritingZipLoader(zipimport.zipimporter):
    """A loader for zip files that rewrites the code; bytecode without its source runs as it is."""

    def __init__(self, loader: zipimport.zipimporter, *, sync: bool = False) -> None:
        super().__init__(str(PurePath(loader.archive, loader.prefix)))
        self._sync = sync

    @as_import_boundary
    def get_code(self, fullname: str) -> CodeType:
        """Return the module's code.

        Raises:
            SyntaxError, ZipImportError: as the ordinary loader does.
        """
        try:
            path = self.get_filename(fullname)
            source = path.removesuffix("c")
            try:
                data = self.get_data(source)
            except OSError:
                return super().get_code(fullname)
            return self.source_to_code(data, source)
        except Exception as error:  # noqa: BLE001  # it propagates without Tenure's frames
            raise error.with_traceback(None)  # noqa: B904

    def source_to_code(self, data: bytes, path: str) -> CodeType:
        """Compile and rewrite, as ``RewritingLoader.source_to_code``."""
        return compile_rewritten(data, path, sync=self._sync)


Rewriting = RewritingLoader | RewritingZipLoader


def code_variant(*, sync: bool) -> str:
    """Describe everything besides the source text that determines rewritten code; part of the names of caches."""
    return f"{_rewriter_version()}|{probe_backend.NAME}|{sync}|{sys.flags.optimize}"


@functools.cache
def _rewriter_version() -> str:
    """Identify this version of the rewriter: the sizes and times of the files that determine rewritten code."""
    try:
        stats = [real_paths.size_and_time(str(module.__file__)) for module in (rewriter, stamps, ast_tools, sites)]
    except OSError:  # Tenure is in a zip file, for example
        return str(rewriter.VERSION)
    return "|".join([str(rewriter.VERSION), *(f"{size},{time}" for size, time in stats)])


def compile_rewritten(source: bytes, path: str, *, sync: bool, optimize: int = -1) -> CodeType:
    """Rewrite and compile a source text; if rewriting fails, compile it as it is.

    Raises:
        SyntaxError, ValueError: as ``compile`` does.
    """
    try:
        return rewriter.rewrite(source, path, sync=sync, optimize=optimize)
    except SyntaxError:
        raise
    except Exception as error:  # noqa: BLE001  # a fault in the rewriter, unless the source itself is invalid
        fault = error
    code = compile(source, path, "exec", dont_inherit=True, optimize=optimize)
    faults.fault(f"rewriting {path}", fault)
    return code


def _head(mtime: float, size: int) -> bytes:
    """Make the first 16 bytes of a bytecode file: magic number, flags, hash."""
    return importlib.util.MAGIC_NUMBER + _UNCHECKED + importlib.util.source_hash(f"{mtime!r}|{size}".encode())


def _digest(data: bytes | memoryview) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()
