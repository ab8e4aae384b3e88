"""Writes the bodies of all wrappers in Python: ``python scripts/wrapper_bodies.py``.

Each function of tracer/tenure/_patching/bodies is one shape of ``BODY``: a signature, and what the hooks are given of
it. The files are committed, so that a reader, a debugger, mypy and a traceback see ordinary code; a test writes them
again and compares.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

BODIES = Path(__file__).parent.parent / "tracer" / "tenure" / "_patching" / "bodies"


class Shape(NamedTuple):
    """One way to be called."""

    name: str
    about: str  # the docstring
    parameters: tuple[str, ...]
    call: str  # the arguments of the original
    before: str  # the arguments of the hook ``before``
    after: str  # of ``after``, behind the state
    original: str = "original"  # what is called
    factory: str = "original: Method"  # what the factory is given


ENTER = Shape(
    "enter",
    "In the place of ``__aenter__``, ``__enter__`` and whatever has no argument but its object.",
    ("manager",),
    call="manager",
    before="manager",
    after="value, manager",
)
PUSH = Shape(
    "push",
    "In the place of ``enter_async_context`` of an exit stack.",
    ("stack", "cm"),
    call="stack, cm",
    before="cm",
    after="stack",
)
METHOD = Shape(
    "method",
    "In the place of a method.",
    ("owner", "*arguments", "**named"),
    call="owner, *arguments, **named",
    before="owner, arguments, named",
    after="value",
)
ACQUIRE = METHOD._replace(
    name="acquire",
    about="In the place of a method that acquires. A task that runs nothing else is known by this code.",
    after="value, owner",
)
FUNCTION = Shape(
    "function",
    "In the place of any function that opens or closes. A task that runs nothing else is known by this code.",
    ("*arguments", "**named"),
    call="*arguments, **named",
    before="arguments, named",
    after="value, arguments",
)
SPECIAL = Shape(
    "special",
    "A method that calls the special method ``name`` of ``owner.manager``, by its type as a statement does.",
    ("owner", "*arguments"),
    call="owner.manager, *arguments",
    before="owner, arguments",
    after="value",
    original="getattr(type(owner.manager), name)",
    factory="name: str",
)
CALLBACK = Shape(
    "callback",
    "A method that calls a function for its owner; the function is bound already.",
    ("owner", "*arguments", "**named"),
    call="*arguments, **named",
    before="arguments, named",
    after="value",
)
APPLICATION = Shape(
    "application",
    "In the place of what calls an ASGI application, which gets the channels of the state.",
    ("owner", "scope", "*channels", "**named"),
    call="owner, scope, *(channels if state is None else state.channels), **named",
    before="owner, scope, channels",
    after="value",
)
FILES = {
    "awaited": [ENTER, PUSH, METHOD, ACQUIRE, FUNCTION, SPECIAL, CALLBACK, APPLICATION],
    "immediate": [ENTER, METHOD, ACQUIRE, FUNCTION, SPECIAL, CALLBACK],
}
ABOUT = {
    "awaited": "Wrappers of what is awaited, coroutine functions mostly.",
    "immediate": "Wrappers of functions that do their work while they are called.",
}
HEAD = '''"""{about}

``tenure._patching.bodies`` says when the hooks are called. Written by scripts/wrapper_bodies.py: change it there.
"""

from __future__ import annotations

from typing import Any

from tenure._core import faults
from tenure._core.wrapping import {names}
from tenure._patching.bodies import After, Before, Failed, always, nothing
'''
BODY = '''

def {name}(
    {factory}, where: str, *, before: Before{default}, after: After = nothing, failed: Failed = nothing
) -> Method:
    """{about}"""

    {word} wrapper({parameters}) -> object:
        state = None
        try:
            state = before({before})
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(where, fault)
        try:
            value = {call}
        except BaseException as error:
            try:
                strip_frame(error, code)
                if state is not None:
                    failed(state, error)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(where, fault)
            del {names}, state
            raise
        if state is not None:
            try:
{end}
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(where, fault)
        return value

    code = wrapper.__code__  # a function that refers to itself is kept until the next collection
    return {result}
'''


def main() -> int:
    for name, text in generate().items():
        (BODIES / name).write_text(text, encoding="utf-8")
    return 0


def generate() -> dict[str, str]:
    """The files by name, as they must stand in tenure/_patching/bodies."""
    return {f"{room}.py": _file(room, shapes) for room, shapes in FILES.items()}


def _file(room: str, shapes: list[Shape]) -> str:
    is_awaited = room == "awaited"
    names = ["Method", "mark_as_wrapper", *(["match_coroutine_kind"] if is_awaited else []), "strip_frame"]
    head = HEAD.format(about=ABOUT[room], names=", ".join(names))
    return head + "".join(_body(shape, is_awaited=is_awaited) for shape in shapes)


def _body(shape: Shape, *, is_awaited: bool) -> str:
    is_matched = is_awaited and shape not in {
        SPECIAL,
        CALLBACK,
        APPLICATION,
    }  # a single call has an original of its own too
    parameters = [f"{name}: Any" for name in shape.parameters]
    if is_matched:
        at = len(parameters) - parameters[-1].startswith("**")
        parameters[at:at] = [*([] if "*" in "".join(shape.parameters) else ["*"]), "_original: Method = original"]
    call = f"{'_original' if is_matched else shape.original}({shape.call})"
    after = f"after(state, {shape.after})"
    if shape is METHOD and not is_awaited:  # what is released by a call may still have to be awaited
        end = [f"instead = {after}", "if instead is not None:", "    return instead"]
    else:
        end = [after]
    wrapper = "match_coroutine_kind(original, wrapper)" if is_matched else "wrapper"
    return BODY.format(
        name=shape.name,
        factory=shape.factory,
        default="" if shape is APPLICATION else " = always",  # its state has channels
        about=shape.about,
        word="async def" if is_awaited else "def",
        parameters=", ".join(parameters),
        before=shape.before,
        call=f"await {call}" + "  # type: ignore[misc]" * (shape is not SPECIAL) if is_awaited else call,
        names=", ".join(name.lstrip("*") for name in shape.parameters),
        end="\n".join(f"                {line}" for line in end),
        result=wrapper if shape in {SPECIAL, CALLBACK} else f"mark_as_wrapper(original)({wrapper})",
    )


if __name__ == "__main__":
    sys.exit(main())
