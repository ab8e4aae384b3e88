"""Names for locks: the attribute and its owner, "Account.lock of left"; the key, "locks['left']".

An expression such as ``account.lock`` says the attribute. Whose it is, the owner says by a name of its own, else the
program by a variable or a key that refers to it: in the module, in a function that is waiting, or in a task that
created this one. A parameter's name says nothing, since each call binds another object to it. All is read where a lock
is used for the first time, without running code of the program (``tenure._core.object_access``). Only the text is kept.
"""

from __future__ import annotations

import ast
import functools
import sys
import uuid
from collections.abc import Iterator
from types import FrameType, MemberDescriptorType, ModuleType
from typing import cast

from tenure._core import faults, object_access
from tenure._core.paths import is_own_frame
from tenure._identify import libraries, sites, task_names, tasks, tracer, variables
from tenure._identify.sites import Site, resource_name

MAX_LABEL = 40  # characters of an owner's name or of a key
_WORDS = "name", "id", "key", "label", "title", "slug", "number", "index"
_NAMES = *_WORDS, *(f"_{word}" for word in _WORDS)
_MAX_SEARCHES = 200  # of one function, for variables that refer to owners
_MAX_FRAMES = 8  # of callers, that are looked at
_MAX_CREATORS = 3
_MAX_ITEMS = 500  # variables of a module, or entries of a container


class _Searches:
    """How often the owners of a function's locks were looked for, by address of its code."""

    def __init__(self) -> None:
        self.by_code: dict[int, int] = {}


def name_of(subject: object, site: str) -> str:
    """What people call the lock that is used at this site for the first time."""
    expression = Site.of(site).expression
    try:
        frame = _frame_of(Site.of(site).file)
        name = "" if frame is None else _name(subject, expression, frame)
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("finding the owner of a lock", error)
        name = ""
    return name or resource_name(expression)


def _frame_of(file: str) -> FrameType | None:
    """The innermost frame of the program's file that is calling."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # no other way to the caller
    while frame is not None and (is_own_frame(frame) or frame.f_code.co_filename != file):
        frame = frame.f_back
    return frame


def _name(subject: object, expression: str, frame: FrameType) -> str:
    values = variables.local(frame)
    if sites.is_late(expression):
        return _of_any_owner(subject, values, frame)
    node = _parsed(expression)
    if isinstance(node, ast.Attribute):
        owner = _value(node.value, values, frame)
        value = object_access.attribute(owner, node.attr)
        if value is subject:
            return _of_owner(owner, node.attr, frame, values)
        # A condition, and the subject is its lock, which the owner may have too.
        for attribute, other in object_access.instance_items(owner) if value is not None else ():
            if other is subject:
                return _of_owner(owner, attribute, frame, values)
    if isinstance(node, ast.Name):
        return next((name for name, value in values.items() if value is subject), "")
    if isinstance(node, ast.Subscript):
        key = _plain(_value(node.slice, values, frame), is_key=True)
        container = resource_name(ast.unparse(node.value))
        return f"{container}[{key}]" if key and container else ""
    return ""


def _of_any_owner(subject: object, values: dict[str, object], frame: FrameType) -> str:
    """Where the expression is not known: a variable whose attribute it is, "self" first; "" if it is one itself."""
    if any(value is subject for value in values.values()):
        return ""
    for _, owner in sorted(values.items(), key=lambda item: item[0] != "self"):
        for attribute, value in object_access.instance_items(owner):
            if value is subject and not _is_librarys(type(owner)):
                return _of_owner(owner, attribute, frame, values)
    return ""


def _is_librarys(kind: type) -> bool:
    return object_access.module_name(kind).partition(".")[0] in {"asyncio", *tracer.current.libraries}


def _of_owner(owner: object, attribute: str, frame: FrameType, values: dict[str, object]) -> str:
    kind, title = type(owner), attribute.lstrip("_")
    if issubclass(kind, ModuleType):
        return title
    if issubclass(kind, type):
        return f"{object_access.short_name(owner)}.{title}"  # type: ignore[arg-type]
    name = f"{object_access.short_name(kind)}.{title}"
    items = dict(object_access.instance_items(owner))
    if attribute not in items:
        return name  # the class's: one for all its objects
    label = _own_name(kind, items) or _referred_by(owner, frame, values)
    return f"{name} of {label}" if label else name


def _own_name(kind: type, items: dict[str, object]) -> str:
    """The owner's name as one of these attributes of its own has it, which no property of its class hides."""
    for name in _NAMES:
        label = _plain(items.get(name))
        if label and (not object_access.has(kind, name) or _is_slot(kind, name)):
            return label
    return ""


def _is_slot(kind: type, name: str) -> bool:
    return type(object_access.of_class(kind, name)) is MemberDescriptorType


def _referred_by(owner: object, frame: FrameType, values: dict[str, object]) -> str:
    """The variable that refers to it, or the container with its key: of the module, of callers, of creators."""
    searches = tracer.current.of(_Searches).by_code
    count = searches[id(frame.f_code)] = searches.get(id(frame.f_code), 0) + 1
    if count > _MAX_SEARCHES:
        return ""
    modules: set[int] = set()
    for caller in _frames(frame):
        namespace = caller.f_globals
        if id(namespace) not in modules:
            modules.add(id(namespace))
            label = _variable(owner, dict(list(namespace.items())[:_MAX_ITEMS]))
            if label:
                return label
        scope = values if caller is frame else variables.local(caller)
        parameters = variables.parameters(caller.f_code)
        label = _variable(owner, {name: value for name, value in scope.items() if name not in parameters})
        if label:
            return label
    return ""


def _frames(frame: FrameType) -> Iterator[FrameType]:
    """The frame, its callers, and the waiting functions of the tasks that created this one."""
    count = 0
    for caller in libraries.stack(frame):
        if count >= _MAX_FRAMES:
            break
        if not is_own_frame(caller) and not libraries.of_frame(caller):
            count += 1
            yield caller
    task = tasks.known(tasks.running())
    for _ in range(_MAX_CREATORS):
        task = None if task is None else tracer.current.tasks.by_id.get(task.parent)
        creator = None if task is None or task.reference is None else task.reference()
        if creator is not None:
            yield from variables.suspended(task_names.coroutine_of(creator))


def _variable(owner: object, scope: dict[str, object]) -> str:
    for name, value in scope.items():
        if value is owner and not name.startswith("__"):
            return name
    for name, value in scope.items():
        for key, entry in _entries(value):
            if entry is owner and (text := _plain(key, is_key=True)):
                return f"{name}[{text}]"
    return ""


def _entries(container: object) -> list[tuple[object, object]]:
    kind = type(container)
    if issubclass(kind, dict):
        return list(dict.items(cast("dict[object, object]", container)))[:_MAX_ITEMS]
    if kind is list or kind is tuple:
        return list(enumerate(container[:_MAX_ITEMS]))  # type: ignore[index]
    return []


def _plain(value: object, *, is_key: bool = False) -> str:
    """A short text or a number as a label; "" for anything else."""
    kind = type(value)
    if kind is str:
        text = " ".join(value.split())  # type: ignore[attr-defined]
        shown = text if len(text) <= MAX_LABEL else f"{text[: MAX_LABEL - 1]}…"
        return repr(shown) if is_key else shown
    if kind is uuid.UUID:
        return str(value)
    if kind is tuple and is_key:
        parts = [_plain(part, is_key=True) for part in value[:5]]  # type: ignore[index]
        return f"({', '.join(parts)})" if all(parts) and len(value) <= len(parts) else ""  # type: ignore[arg-type]
    return str(value) if kind is int and abs(cast("int", value)) < 10**MAX_LABEL else ""


def _value(node: ast.expr, values: dict[str, object], frame: FrameType) -> object:
    """What a name, an attribute, a constant or an entry stands for; None where it would run code to find out."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return values[node.id] if node.id in values else frame.f_globals.get(node.id)
    if isinstance(node, ast.Attribute):
        return object_access.attribute(_value(node.value, values, frame), node.attr)
    if isinstance(node, ast.Subscript):
        key = _value(node.slice, values, frame)
        if type(key) is str or type(key) is int:
            entries = _entries(_value(node.value, values, frame))
            return next((entry for name, entry in entries if type(name) is type(key) and name == key), None)
    return None


@functools.lru_cache(maxsize=2048)
def _parsed(expression: str) -> ast.expr | None:
    """The node that stands for the lock itself: of ``await self.lock.acquire()``, ``self.lock``."""
    return sites.resource_node(expression)
