"""Wrappers of what is awaited, coroutine functions mostly.

``tenure._patching.bodies`` says when the hooks are called. Written by scripts/wrapper_bodies.py: change it there.
"""

from __future__ import annotations

from typing import Any

from tenure._core import faults
from tenure._core.wrapping import Method, mark_as_wrapper, match_coroutine_kind, strip_frame
from tenure._patching.bodies import After, Before, Failed, always, nothing


def enter(
    original: Method, where: str, *, before: Before = always, after: After = nothing, failed: Failed = nothing
) -> Method:
    """In the place of ``__aenter__``, ``__enter__`` and whatever has no argument but its object."""

    async def wrapper(manager: Any, *, _original: Method = original) -> object:
        state = None
        try:
            state = before(manager)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(where, fault)
        try:
            value = await _original(manager)  # type: ignore[misc]
        except BaseException as error:
            try:
                strip_frame(error, code)
                if state is not None:
                    failed(state, error)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(where, fault)
            del manager, state
            raise
        if state is not None:
            try:
                after(state, value, manager)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(where, fault)
        return value

    code = wrapper.__code__  # a function that refers to itself is kept until the next collection
    return mark_as_wrapper(original)(match_coroutine_kind(original, wrapper))


def push(
    original: Method, where: str, *, before: Before = always, after: After = nothing, failed: Failed = nothing
) -> Method:
    """In the place of ``enter_async_context`` of an exit stack."""

    async def wrapper(stack: Any, cm: Any, *, _original: Method = original) -> object:
        state = None
        try:
            state = before(cm)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(where, fault)
        try:
            value = await _original(stack, cm)  # type: ignore[misc]
        except BaseException as error:
            try:
                strip_frame(error, code)
                if state is not None:
                    failed(state, error)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(where, fault)
            del stack, cm, state
            raise
        if state is not None:
            try:
                after(state, stack)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(where, fault)
        return value

    code = wrapper.__code__  # a function that refers to itself is kept until the next collection
    return mark_as_wrapper(original)(match_coroutine_kind(original, wrapper))


def method(
    original: Method, where: str, *, before: Before = always, after: After = nothing, failed: Failed = nothing
) -> Method:
    """In the place of a method."""

    async def wrapper(owner: Any, *arguments: Any, _original: Method = original, **named: Any) -> object:
        state = None
        try:
            state = before(owner, arguments, named)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(where, fault)
        try:
            value = await _original(owner, *arguments, **named)  # type: ignore[misc]
        except BaseException as error:
            try:
                strip_frame(error, code)
                if state is not None:
                    failed(state, error)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(where, fault)
            del owner, arguments, named, state
            raise
        if state is not None:
            try:
                after(state, value)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(where, fault)
        return value

    code = wrapper.__code__  # a function that refers to itself is kept until the next collection
    return mark_as_wrapper(original)(match_coroutine_kind(original, wrapper))


def acquire(
    original: Method, where: str, *, before: Before = always, after: After = nothing, failed: Failed = nothing
) -> Method:
    """In the place of a method that acquires. A task that runs nothing else is known by this code."""

    async def wrapper(owner: Any, *arguments: Any, _original: Method = original, **named: Any) -> object:
        state = None
        try:
            state = before(owner, arguments, named)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(where, fault)
        try:
            value = await _original(owner, *arguments, **named)  # type: ignore[misc]
        except BaseException as error:
            try:
                strip_frame(error, code)
                if state is not None:
                    failed(state, error)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(where, fault)
            del owner, arguments, named, state
            raise
        if state is not None:
            try:
                after(state, value, owner)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(where, fault)
        return value

    code = wrapper.__code__  # a function that refers to itself is kept until the next collection
    return mark_as_wrapper(original)(match_coroutine_kind(original, wrapper))


def function(
    original: Method, where: str, *, before: Before = always, after: After = nothing, failed: Failed = nothing
) -> Method:
    """In the place of any function that opens or closes. A task that runs nothing else is known by this code."""

    async def wrapper(*arguments: Any, _original: Method = original, **named: Any) -> object:
        state = None
        try:
            state = before(arguments, named)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(where, fault)
        try:
            value = await _original(*arguments, **named)  # type: ignore[misc]
        except BaseException as error:
            try:
                strip_frame(error, code)
                if state is not None:
                    failed(state, error)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(where, fault)
            del arguments, named, state
            raise
        if state is not None:
            try:
                after(state, value, arguments)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(where, fault)
        return value

    code = wrapper.__code__  # a function that refers to itself is kept until the next collection
    return mark_as_wrapper(original)(match_coroutine_kind(original, wrapper))


def special(
    name: str, where: str, *, before: Before = always, after: After = nothing, failed: Failed = nothing
) -> Method:
    """A method that calls the special method ``name`` of ``owner.manager``, by its type as a statement does."""

    async def wrapper(owner: Any, *arguments: Any) -> object:
        state = None
        try:
            state = before(owner, arguments)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(where, fault)
        try:
            value = await getattr(type(owner.manager), name)(owner.manager, *arguments)
        except BaseException as error:
            try:
                strip_frame(error, code)
                if state is not None:
                    failed(state, error)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(where, fault)
            del owner, arguments, state
            raise
        if state is not None:
            try:
                after(state, value)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(where, fault)
        return value

    code = wrapper.__code__  # a function that refers to itself is kept until the next collection
    return wrapper


def callback(
    original: Method, where: str, *, before: Before = always, after: After = nothing, failed: Failed = nothing
) -> Method:
    """A method that calls a function for its owner; the function is bound already."""

    async def wrapper(owner: Any, *arguments: Any, **named: Any) -> object:
        state = None
        try:
            state = before(arguments, named)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(where, fault)
        try:
            value = await original(*arguments, **named)  # type: ignore[misc]
        except BaseException as error:
            try:
                strip_frame(error, code)
                if state is not None:
                    failed(state, error)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(where, fault)
            del owner, arguments, named, state
            raise
        if state is not None:
            try:
                after(state, value)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(where, fault)
        return value

    code = wrapper.__code__  # a function that refers to itself is kept until the next collection
    return wrapper


def application(
    original: Method, where: str, *, before: Before, after: After = nothing, failed: Failed = nothing
) -> Method:
    """In the place of what calls an ASGI application, which gets the channels of the state."""

    async def wrapper(owner: Any, scope: Any, *channels: Any, **named: Any) -> object:
        state = None
        try:
            state = before(owner, scope, channels)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(where, fault)
        try:
            value = await original(owner, scope, *(channels if state is None else state.channels), **named)  # type: ignore[misc]
        except BaseException as error:
            try:
                strip_frame(error, code)
                if state is not None:
                    failed(state, error)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(where, fault)
            del owner, scope, channels, named, state
            raise
        if state is not None:
            try:
                after(state, value)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(where, fault)
        return value

    code = wrapper.__code__  # a function that refers to itself is kept until the next collection
    return mark_as_wrapper(original)(wrapper)
