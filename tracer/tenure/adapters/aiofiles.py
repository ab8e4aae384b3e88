"""aiofiles: what ``aiofiles.open()`` returns stands for the file, which is named without its folder."""

from __future__ import annotations

from types import CoroutineType, ModuleType

from tenure._core.object_access import attribute
from tenure._identify import libraries, resources
from tenure._identify.resources import Description
from tenure._patching import class_patches
from tenure.adapters._kit import file_names


def install(module: ModuleType) -> None:
    """Patch the manager that all functions of aiofiles return, or the one of its temporary folders."""
    libraries.know("aiofiles")
    folder = getattr(module, "AiofilesContextManagerTempDir", None)
    kind = module.AiofilesContextManager if folder is None else folder
    resources.register(kind, _file)
    class_patches.patch_manager(kind, any_task=True)


def _file(manager: object, _: str) -> Description:
    coroutine = attribute(manager, "_coro")
    frame = coroutine.cr_frame if type(coroutine) is CoroutineType else None
    if type(coroutine) is not CoroutineType or frame is None:
        return Description("aiofiles.open", None, name="")
    if "file" in frame.f_locals:
        return Description("aiofiles.open", None, name=file_names.name_of(frame.f_locals["file"]) or "")
    return Description(f"aiofiles.tempfile.{coroutine.__name__.lstrip('_')}", None, name="")
