"""Tenure shows what an asyncio program is holding.

tenure run app.py                          from outside, with no change in the program
tenure.install()                           the same from code, for what is imported afterwards
async with tenure.track(pool, "orders"):   one context manager, by name
@tenure.tracked                            every object of a class
%load_ext tenure                           the same in IPython and Jupyter, by TENURE_* variables
tenure.adapter("hotel", install)           what to record of a library that Tenure does not know
with tenure.work("nightly import"):        a unit of work, as a block; @tenure.work: as a function
tenure.probe_backend()                     which probe records: "native" or "python"
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenure._core import probe_backend as _probe_backend
from tenure._patching.track import track, tracked
from tenure._patching.work import work
from tenure.errors import TenureError, UsageError

if TYPE_CHECKING:
    from types import ModuleType

    from tenure.adapters.user_adapters import adapter
    from tenure.session import install, uninstall

    __version__: str
    native: ModuleType

__all__ = [
    "TenureError",
    "UsageError",
    "__version__",
    "adapter",
    "install",
    "probe_backend",
    "track",
    "tracked",
    "uninstall",
    "work",
]


def probe_backend() -> str:
    """The name of the probe that records in this process: "native", in C, or "python"."""
    return _probe_backend.NAME


def __getattr__(name: str) -> object:
    """What takes long to import and is not needed by a program that only names its managers; and an older name."""
    if name in {"install", "uninstall"}:
        from tenure import session  # noqa: PLC0415

        return getattr(session, name)
    if name in {"load_ipython_extension", "unload_ipython_extension"}:
        from tenure.cli import notebook  # noqa: PLC0415  # IPython asks for them

        return getattr(notebook, name)
    if name == "adapter":
        from tenure.adapters.user_adapters import adapter  # noqa: PLC0415

        return adapter
    if name == "native":  # ``tenure.native.NAME``, of 0.1
        return _probe_backend
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tenure._core.installation import installed_version  # noqa: PLC0415

    return installed_version()
