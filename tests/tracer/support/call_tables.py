"""What a table of a library's calls is made of."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple


async def nothing(*_: object) -> None:
    """There is nothing to begin or to end."""


class Call(NamedTuple):
    """A call, made of what ``begin`` gives; ``end`` gets that and the call's result."""

    make: Callable[[Any], Any]
    begin: Callable[[], Awaitable[Any]] = nothing
    end: Callable[[Any, Any], Awaitable[object]] = nothing
    is_coroutine: bool = True  # else it is awaitable


Calls = dict[str, Call]
_VARIABLE = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD


def methods(
    kind: type, arguments: Mapping[str, object], begin: Any, end: Any, *, but: str = "", only: str = ""
) -> Calls:
    """Every public coroutine method of the class, or only the named ones, of an object that ``begin`` gives."""
    functions = inspect.getmembers(kind, inspect.iscoroutinefunction)
    names = only.split() or [name for name, _ in functions if not name.startswith("_") and name not in but.split()]
    return {f"{kind.__qualname__}.{name}": Call(_maker(kind, name, arguments), begin, end) for name in names}


def _maker(kind: type, name: str, arguments: Mapping[str, object]) -> Callable[[Any], Any]:
    positional, named = [], {}
    for parameter in inspect.signature(getattr(kind, name)).parameters.values():
        value = arguments.get(f"{name}.{parameter.name}", arguments.get(parameter.name))
        if value is None or parameter.name == "self":
            is_needed = parameter.default is parameter.empty and parameter.kind not in _VARIABLE
            assert not is_needed or parameter.name == "self", f"{kind}.{name} has a new parameter {parameter.name}"
        elif parameter.kind is parameter.VAR_POSITIONAL:
            positional += value if isinstance(value, list) else []
        elif parameter.kind is parameter.KEYWORD_ONLY:
            named[parameter.name] = value
        else:
            positional.append(value)
    return lambda thing: getattr(thing, name)(*positional, **named)


async def close(thing: Any, result: Any) -> None:
    """Close what a call opened, and what it was called on."""
    for closable in (result, thing):
        if closable is not None:
            await getattr(closable, "aclose" if hasattr(closable, "aclose") else "close")()


async def close_result(_: object, result: Any) -> None:
    await close(None, result)
