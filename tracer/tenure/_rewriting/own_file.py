"""The file that calls ``tenure.install()``: it is being executed, so it cannot be rewritten by an import hook.

Its source is compiled twice, as it is and rewritten, and the codes of the two are matched by name and line. Then

    functions that exist       get the rewritten code (``__code__``)
    functions that follow      are made from constants of the codes that run: these are exchanged there

The statements of the frames that run already stay as they are: ``with`` at the level of the module is not recorded.
"""

from __future__ import annotations

import gc
import linecache
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType, FunctionType

from tenure._rewriting import loaders, rewriter
from tenure._rewriting.module_filter import ModuleFilter


def record_file(frame: FrameType, *, sync: bool) -> str:
    """Exchange the codes of the file that this frame executes.

    Returns:
        "", or why nothing could be exchanged, for a line on stderr.
    """
    file = frame.f_code.co_filename
    source = _source(frame)
    if source is None:
        return f"the source of {file} is not there"
    if not rewriter.may_contain_statements(source, sync=sync):
        return ""
    plain = compile(source, file, "exec", dont_inherit=True)
    frames = [running for running in _stack(frame) if running.f_code.co_filename == file]
    rewritten = loaders.compile_rewritten(source, file, sync=sync)
    if frame.f_code in {rewritten, *_nested(rewritten)}:
        return ""  # it was recorded before
    plain_codes = {plain, *_nested(plain)}
    if not all(running.f_code in plain_codes for running in frames):
        return f"{file} is not what runs: it was changed, or compiled with other flags"
    twins = dict(_twins(plain, rewritten))
    for running in {running.f_code for running in frames}:
        _exchange_constants(running, twins)
    for function in gc.get_objects():
        if type(function) is FunctionType and function.__code__ in twins:
            function.__code__ = twins[function.__code__]
    return ""


def is_selected(frame: FrameType, selection: ModuleFilter) -> bool:
    """Whether this frame's file is the program's own: a module of it, a command or what is typed at a prompt."""
    file, name = frame.f_code.co_filename, str(frame.f_globals.get("__name__", ""))
    return not selection.excludes(name) if file.startswith("<") else selection.includes(name, os.path.abspath(file))  # noqa: PTH100


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _source(frame: FrameType) -> bytes | None:
    """The source text that this frame's file was compiled from."""
    file = frame.f_code.co_filename
    if file == "<string>" and sys.argv[:1] == ["-c"] and frame.f_globals.get("__name__") == "__main__":
        command = sys.orig_argv[len(sys.orig_argv) - len(sys.argv)]
        return command.removeprefix("-c").encode("utf-8", "surrogateescape")
    try:
        return Path(file).read_bytes()
    except (OSError, ValueError):
        is_module = frame.f_globals.get("__file__") == file  # its loader may have the source, for example in a zip file
        lines = linecache.getlines(file, frame.f_globals if is_module else None)
        return "".join(lines).encode("utf-8", "surrogatepass") if lines else None


def _nested(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _nested(constant)


def _twins(plain: CodeType, rewritten: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """Each nested code and its rewritten form, if they differ and one can take the place of the other."""
    rewritten_codes = [constant for constant in rewritten.co_consts if isinstance(constant, CodeType)]
    for plain_code in (constant for constant in plain.co_consts if isinstance(constant, CodeType)):
        for twin in rewritten_codes:
            if (plain_code.co_qualname, plain_code.co_firstlineno) == (twin.co_qualname, twin.co_firstlineno):
                rewritten_codes.remove(twin)
                if plain_code != twin and _fits(plain_code, twin):
                    yield plain_code, twin
                yield from _twins(plain_code, twin)
                break


def _fits(plain_code: CodeType, rewritten: CodeType) -> bool:
    """Whether a function with the plain code can take the rewritten one."""
    return (plain_code.co_freevars, plain_code.co_flags) == (rewritten.co_freevars, rewritten.co_flags)


def _exchange_constants(code: CodeType, twins: dict[CodeType, CodeType]) -> None:
    """Put the rewritten codes in the places of the others, within the tuple of a code that is being executed."""
    import ctypes  # noqa: PLC0415  # only a program that calls install() needs it

    constants = code.co_consts
    items = (ctypes.c_void_p * len(constants)).from_address(id(constants) + tuple.__basicsize__)
    for index, constant in enumerate(constants):
        if isinstance(constant, CodeType) and constant in twins:
            twin = twins[constant]
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(twin))
            items[index] = id(twin)
            _kept.append(constant)  # its reference was the tuple's


_kept: list[CodeType] = []  # the plain codes: frames that run may be theirs
