"""aiofiles: what ``aiofiles.open()`` returns stands for the file, which is named without its folder.

A file that is only awaited is held from ``await aiofiles.open()`` to ``close()``.
"""

from __future__ import annotations

import sys
from types import CoroutineType, FrameType, ModuleType

from tenure._core.object_access import attribute
from tenure._identify import libraries, resources
from tenure._identify.resources import Description
from tenure._patching import class_patches
from tenure.adapters._kit import file_names, open_close

_FILES = "AsyncTextIOWrapper", "AsyncBufferedIOBase", "AsyncBufferedReader", "AsyncFileIO"


def install(module: ModuleType) -> None:
    """Patch the manager that all functions of aiofiles return, that of its temporary folders, or what opens a file."""
    libraries.know("aiofiles")
    if module.__name__ == "aiofiles.threadpool":
        text, *binary = _FILES
        kind = getattr(module, text)
        open_close.patch_function((module,), "_open", kind, ("close",), _opened, label="open", predicate=_is_awaited)
        for name in binary:
            open_close.patch_closing(getattr(module, name), ("close",), lambda file: file, {})
        return
    folder = getattr(module, "AiofilesContextManagerTempDir", None)
    kind = module.AiofilesContextManager if folder is None else folder
    resources.register(kind, _file)
    class_patches.patch_manager(kind, any_task=True)


def _opened(arguments: tuple[object, ...], named: dict[str, object]) -> Description:
    file = arguments[0] if arguments else named.get("file")
    return Description("aiofiles.open", None, name=file_names.name_of(file) or "")


def _is_awaited(_: object) -> bool:
    """Whether the program awaits the handle: a statement that enters it awaits it too, and is recorded by itself."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # there is no other way to the caller
    while frame is not None and frame.f_code.co_name != "__await__":
        frame = frame.f_back
    caller = frame.f_back if frame is not None else None
    return caller is None or caller.f_code.co_name != "__aenter__" or not libraries.of_frame(caller)


def _file(manager: object, _: str) -> Description:
    coroutine = attribute(manager, "_coro")
    frame = coroutine.cr_frame if type(coroutine) is CoroutineType else None
    if type(coroutine) is not CoroutineType or frame is None:
        return Description("aiofiles.open", None, name="")
    if coroutine.__name__ == "_open":
        variables = frame.f_locals  # its own, or those of the wrapper around it
        arguments = variables.get("arguments", (variables.get("file"),))
        return _opened(arguments, variables.get("named", {}))
    return Description(f"aiofiles.tempfile.{coroutine.__name__.lstrip('_')}", None, name="")
