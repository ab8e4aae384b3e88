"""Wrappers of functions that do their work while they are called.

``tenure._patching.bodies`` says when the hooks are called. Written by scripts/wrapper_bodies.py: change it there.
"""

from __future__ import annotations

from typing import Any

from tenure._core import faults
from tenure._core.wrapping import Method, mark_as_wrapper, strip_frame
from tenure._patching.bodies import After, Before, Failed, always, nothing


def enter(
    original: Method, where: str, *, before: Before = always, after: After = nothing, failed: Failed = nothing
) -> Method:
    """In the place of ``__aenter__``, ``__enter__`` and whatever has no argument but its object."""

    def wrapper(manager: Any) -> object:
        state = None
        try:
            state = before(manager)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(where, fault)
        try:
            value = original(manager)
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
    return mark_as_wrapper(original)(wrapper)


def method(
    original: Method, where: str, *, before: Before = always, after: After = nothing, failed: Failed = nothing
) -> Method:
    """In the place of a method."""

    def wrapper(owner: Any, *arguments: Any, **named: Any) -> object:
        state = None
        try:
            state = before(owner, arguments, named)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(where, fault)
        try:
            value = original(owner, *arguments, **named)
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
                instead = after(state, value)
                if instead is not None:
                    return instead
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault(where, fault)
        return value

    code = wrapper.__code__  # a function that refers to itself is kept until the next collection
    return mark_as_wrapper(original)(wrapper)


def acquire(
    original: Method, where: str, *, before: Before = always, after: After = nothing, failed: Failed = nothing
) -> Method:
    """In the place of a method that acquires. A task that runs nothing else is known by this code."""

    def wrapper(owner: Any, *arguments: Any, **named: Any) -> object:
        state = None
        try:
            state = before(owner, arguments, named)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(where, fault)
        try:
            value = original(owner, *arguments, **named)
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
    return mark_as_wrapper(original)(wrapper)


def function(
    original: Method, where: str, *, before: Before = always, after: After = nothing, failed: Failed = nothing
) -> Method:
    """In the place of any function that opens or closes. A task that runs nothing else is known by this code."""

    def wrapper(*arguments: Any, **named: Any) -> object:
        state = None
        try:
            state = before(arguments, named)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(where, fault)
        try:
            value = original(*arguments, **named)
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
    return mark_as_wrapper(original)(wrapper)


def special(
    name: str, where: str, *, before: Before = always, after: After = nothing, failed: Failed = nothing
) -> Method:
    """A method that calls the special method ``name`` of ``owner.manager``, by its type as a statement does."""

    def wrapper(owner: Any, *arguments: Any) -> object:
        state = None
        try:
            state = before(owner, arguments)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(where, fault)
        try:
            value = getattr(type(owner.manager), name)(owner.manager, *arguments)
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

    def wrapper(owner: Any, *arguments: Any, **named: Any) -> object:
        state = None
        try:
            state = before(arguments, named)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(where, fault)
        try:
            value = original(*arguments, **named)
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
