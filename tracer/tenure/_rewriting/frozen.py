"""Programs that PyInstaller has frozen: their modules are recorded where their source was collected.

The script that begins the program has no source in it, so its own statements are never recorded.
"""

from __future__ import annotations

from pathlib import Path
from types import CodeType
from typing import Any

from tenure._core.paths import FROZEN_DIR
from tenure._rewriting import loaders

_LOADER = "PyiFrozenLoader"
_NO_SOURCE = (
    "this program is frozen without its source, so only what adapters see is recorded (collect the source of its"
    " modules: module_collection_mode={'PACKAGE': 'pyz+py'} in Analysis() of the .spec file)"
)


def problem() -> str:
    """A line for stderr where this program is frozen and no source was collected; else ""."""
    if not FROZEN_DIR:
        return ""
    directory = Path(FROZEN_DIR)
    has_source = any(next(directory.glob(pattern), None) is not None for pattern in ("*.py", "*/__init__.py"))
    return "" if has_source else _NO_SOURCE


def is_frozen(loader: object) -> bool:
    """Whether this is PyInstaller's loader of a frozen module."""
    return bool(FROZEN_DIR) and type(loader).__name__ == _LOADER


def rewrite(loader: Any, *, sync: bool) -> None:
    """Let this loader, which is of one module, compile the module's source if there is one."""
    plain = loader.get_code

    def get_code(fullname: str) -> CodeType | None:
        code: CodeType | None = plain(fullname)
        try:
            source = loader.get_data(loader.path)
        except OSError:
            return code
        return loaders.compile_rewritten(source, loader.path if code is None else code.co_filename, sync=sync)

    loader.get_code = get_code
