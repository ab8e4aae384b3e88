"""aiofiles: what ``aiofiles.open()`` returns stands for the file, which is known by its name without its folder."""

from __future__ import annotations

import os
from types import FrameType, ModuleType

from tenure._identify import libraries, resources
from tenure._identify.resources import Description
from tenure._patching import class_patches


def install(module: ModuleType) -> None:
    """Patch the manager that all functions of aiofiles return, or the one that its temporary folders have."""
    libraries.know("aiofiles")
    folder = getattr(module, "AiofilesContextManagerTempDir", None)
    kind = module.AiofilesContextManager if folder is None else folder
    resources.register(kind, _file)
    class_patches.patch_manager(kind, any_task=True)


def _file(manager: object, _: str) -> Description:
    coroutine = getattr(manager, "_coro", None)
    frame = getattr(coroutine, "cr_frame", None)
    function = getattr(coroutine, "__name__", "").lstrip("_")
    if not isinstance(frame, FrameType):
        return Description("aiofiles.open", None, name="")
    file = frame.f_locals.get("file")
    if not isinstance(file, str | bytes | os.PathLike):
        return Description(f"aiofiles.tempfile.{function}", None, name="")
    path = os.fspath(file)
    name = os.path.basename(path if isinstance(path, str) else os.fsdecode(path))  # noqa: PTH119  # no Path of any path
    return Description("aiofiles.open", None, name=name)
