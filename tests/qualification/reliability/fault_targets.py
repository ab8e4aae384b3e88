"""Every function of the tracer that runs in a traced program, and how it is made to fail.

A function fails where its code is replaced in place, so whoever holds the function, the native probe too, meets the
fault. A function that is made within another one fails where the other's code makes it.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import NamedTuple

import tenure

# What runs in a process of its own, or in tests. OpenTelemetry's sinks run only where they are asked for.
_OTHERS = (
    "tenure._pyinstaller",
    "tenure.doctor",
    "tenure.cli.run",
    "tenure.cli.doctor",
    "tenure.cli.plugins",
    "tenure.testing",
    "tenure._sinks.otel",
    "tenure.__main__",
)
KINDS = ("RuntimeError", "TypeError", "MemoryError", "once")  # once: a RuntimeError at the first call alone


class Target(NamedTuple):
    """A function of a module, or one made within it; ``path`` leads through the constants of codes."""

    name: str  # "tenure._patching.bodies.awaited:enter.<locals>.wrapper"
    function: FunctionType
    path: tuple[int, ...]

    @property
    def code(self) -> CodeType:
        code = self.function.__code__
        for place in self.path:
            code = code.co_consts[place]
        return code


def all_targets() -> list[Target]:
    """Every function, by module and in the order of their lines."""
    targets: dict[str, Target] = {}
    for module in _modules():
        for function in _functions(module):
            for path, code in _codes(function.__code__, ()):
                name = f"{module.__name__}:{code.co_qualname}"
                name = name if name not in targets else f"{name}@{code.co_firstlineno}"
                targets[name] = Target(name, function, path)
    return list(targets.values())


def inject(target: Target, kind: str) -> None:
    """Let this function raise, from now on at every call, or at its first."""
    failing = _failing(target, kind)
    if not target.path and kind == "once":
        own = target.function.__code__

        def mend() -> None:
            target.function.__code__ = own

        target.function.__globals__["__injected_mend__"] = mend
    code = target.function.__code__
    target.function.__code__ = _replaced(code, target.path, failing)


def _modules() -> Iterator[ModuleType]:
    for module in pkgutil.walk_packages(tenure.__path__, "tenure."):
        if not module.name.startswith(_OTHERS) and module.name != "tenure._probe":
            yield importlib.import_module(module.name)


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    seen: set[int] = set()
    for value in list(vars(module).values()):
        members = list(vars(value).values()) if isinstance(value, type) and value.__module__ == module.__name__ else []
        for candidate in (value, *members):
            for function in _within(candidate):
                if function.__module__ == module.__name__ and id(function) not in seen:
                    seen.add(id(function))
                    if not function.__code__.co_filename.startswith("<string"):
                        yield function


def _within(value: object) -> Iterator[FunctionType]:
    if isinstance(value, property):
        yield from (candidate for candidate in (value.fget, value.fset) if isinstance(candidate, FunctionType))
    elif isinstance(value, staticmethod | classmethod):
        yield from _within(value.__func__)
    elif isinstance(value, functools.partial):
        yield from _within(value.func)
    elif hasattr(value, "__wrapped__") and not isinstance(value, type):
        yield from _within(inspect.unwrap(value))  # type: ignore[arg-type]
    elif isinstance(value, FunctionType):
        yield value


def _codes(code: CodeType, path: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], CodeType]]:
    yield path, code
    for place, constant in enumerate(code.co_consts):
        if isinstance(constant, CodeType) and constant.co_name not in {
            "<listcomp>",
            "<genexpr>",
            "<dictcomp>",
            "<setcomp>",
        }:
            yield from _codes(constant, (*path, place))


def _replaced(code: CodeType, path: tuple[int, ...], failing: CodeType) -> CodeType:
    if not path:
        return failing
    inner = code.co_consts[path[0]]
    constants = list(code.co_consts)
    constants[path[0]] = _replaced(inner, path[1:], failing)
    return code.replace(co_consts=tuple(constants))


def _failing(target: Target, kind: str) -> CodeType:
    code = target.code
    word = "async def" if code.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR) else "def"
    is_generator = code.co_flags & (inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR)
    mends = "__injected_mend__(); " if kind == "once" and not target.path else ""
    raised = "RuntimeError" if kind == "once" else kind
    source = f"{word} failing(*_, **__):\n    {mends}raise {raised}('injected')\n" + "    yield\n" * bool(is_generator)
    namespace: dict[str, FunctionType] = {}
    exec(source, namespace)  # our own text
    failing = namespace["failing"].__code__
    return failing.replace(
        co_freevars=code.co_freevars, co_filename=code.co_filename, co_name=code.co_name, co_qualname=code.co_qualname
    )
