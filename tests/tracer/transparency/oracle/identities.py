"""Which resource a manager stands for, and where it is entered, as the design has it."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import keyword
from typing import Any

from tests.tracer.transparency.oracle import managers

from tenure import wire

_CALLS = {
    "observed": ("__aenter__", "__aexit__"),
    "observed_sync": ("__enter__", "__exit__"),
    "waiting": ("wait", "notify"),
    "making": ("Client", "close"),
}
_ACQUIRING = "acquiring", "acquiring_for"
_SHARED = managers.Gate, managers.Hold  # those that can be known again


def sites(text: str, file: str, expressions: dict[int, str]) -> dict[int, wire.Site]:
    """The sites of a program's marks, by number; ``text`` is the observed text."""
    found: dict[int, wire.Site] = {}

    def visit(node: ast.AST, function: str, inner: str) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            function = inner + node.name
            inner = f"{function}." if isinstance(node, ast.ClassDef) else f"{function}.<locals>."
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in {*_CALLS, *_ACQUIRING, "releasing"}
        ):
            assert isinstance(node.args[0], ast.Constant)
            number = int(str(node.args[0].value))
            enter, leave = _CALLS.get(node.func.id, ("acquire", "release"))
            expression = expressions[number]
            enter, leave = ("release", "__aexit__") if node.func.id == "releasing" else (enter, leave)
            enter = "acquire" if expression.startswith("pool0") else enter
            leave = "aclose" if expression.startswith("contextlib.aclosing") else leave
            found[number] = wire.Site(file, node.lineno, function or "<module>", expression, enter, leave)
        for child in ast.iter_child_nodes(node):
            visit(child, function, inner)

    visit(ast.parse(text), "", "")
    return found


class Identities:
    """Numbers resources in the order in which they are first seen."""

    def __init__(self, named: dict[str, Any]) -> None:
        self._program = named  # its globals, which live as long as it does
        self.client_names: dict[int, str] = {}  # of what is assigned; no client dies
        self._known: dict[object, wire.Resource] = {}

    def of(self, manager: object, site: wire.Site) -> wire.Resource:
        """The resource of a manager that is entered at this site."""
        key, kind, name, capacity, stereotype = self._described(manager, site)
        if key not in self._known:
            self._known[key] = wire.Resource(len(self._known) + 1, kind, name, capacity, stereotype)
        return self._known[key]

    def of_wait(self, condition: object, site: wire.Site) -> wire.Resource:
        """What is waited for at this site."""
        kind, name = f"{_kind(condition)}.wait", _name(site.expression.removesuffix(".wait()"))
        return self._known.setdefault(
            (id(condition), "wait"), wire.Resource(len(self._known) + 1, kind, name, None, "control")
        )

    def _described(self, manager: object, site: wire.Site) -> tuple[object, str, str, int | None, str]:
        kind, name = _kind(manager), _name(site.expression)
        if isinstance(manager, contextlib._AsyncGeneratorContextManager):
            return _of_handle(manager, name)
        if isinstance(manager, contextlib.aclosing):
            generator = manager.thing  # type: ignore[attr-defined]
            return generator.ag_code, f"{self._program['__name__']}.{generator.__qualname__}", "", None, "participant"
        if isinstance(manager, asyncio.Timeout):
            seconds = site.expression.partition("(")[2][:-1]
            name = "" if seconds == "None" else f"{seconds} s"
            return ("timeout", site, name), "asyncio.timeout", name, None, "participant"
        if isinstance(manager, asyncio.Lock | asyncio.Semaphore | asyncio.Condition):
            return id(manager), kind, name, 2 if manager is self._program["sem0"] else 1, "control"
        if isinstance(manager, managers.Client):  # named where it was made
            return id(manager), kind, self.client_names.get(id(manager), name), None, "participant"
        is_shared = isinstance(manager, _SHARED) and any(manager is known for known in self._program.values())
        return id(manager) if is_shared else (kind, site), kind, name, None, "participant"


def _of_handle(manager: Any, name: str) -> tuple[object, str, str, int | None, str]:
    """A function with @asynccontextmanager is one resource by its code; a pool's handle stands for the pool."""
    if manager.args:
        pool = manager.args[0]
        return id(pool), _kind(pool), name, pool.size, "database"
    return manager.func.__code__, f"{manager.func.__module__}.{manager.func.__qualname__}", "", None, "participant"


def _kind(thing: object) -> str:
    kind = type(thing)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _name(expression: str) -> str:
    name = expression.removesuffix(".acquire()")
    return name if name.isidentifier() and not keyword.iskeyword(name) else ""
