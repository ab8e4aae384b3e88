"""The bodies of all wrappers: written by one script, unnoticed by the program, and safe from faults in their hooks."""

import asyncio
import gc
import importlib.util
import inspect
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tenure._patching import bodies
from tenure._patching.bodies import awaited, immediate

REPOSITORY = Path(__file__).parent.parent.parent.parent
SHAPES = [
    *(
        f"awaited.{name}"
        for name in ("enter", "push", "method", "acquire", "function", "special", "callback", "application")
    ),
    *(f"immediate.{name}" for name in ("enter", "method", "acquire", "function", "special", "callback")),
]
HOOKS = ["before", "after", "failed"]


class Boom(Exception):
    """What the program itself raises."""


def script() -> ModuleType:
    path = REPOSITORY / "scripts" / "wrapper_bodies.py"
    spec = importlib.util.spec_from_file_location("wrapper_bodies", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wrapped(shape: str, error: BaseException | None = None, **hooks: Callable[..., Any]) -> Callable[[], object]:
    """A call of a wrapper of this shape with these hooks; it gives what the original was called with, or raises."""
    room, name = shape.split(".")
    if name == "application":  # its state has the channels, or is None
        hooks = {"before": lambda *_: None, **hooks}

    def original(*arguments: object, **named: object) -> object:
        if error is not None:
            raise error
        return arguments, named

    async def original_coroutine(*arguments: object, **named: object) -> object:
        return original(*arguments, **named)

    function = original_coroutine if room == "awaited" else original
    if name == "special":
        method = "__aenter__" if room == "awaited" else "__enter__"
        manager = type("Manager", (), {method: lambda _, *rest: function(*rest)})()
        subject: Any = method
        arguments: tuple[object, ...] = (SimpleNamespace(manager=manager), "argument")
    else:
        subject = function
        arguments = ("owner", "scope", "channel")[: {"enter": 1, "push": 2}.get(name)]
    wrapper = getattr({"awaited": awaited, "immediate": immediate}[room], name)(subject, f"testing {shape}", **hooks)
    return lambda: asyncio.run(wrapper(*arguments)) if room == "awaited" else wrapper(*arguments)


def outcome(call: Callable[[], object]) -> tuple[object, list[str]]:
    """What a call gives or raises, and the functions in the traceback that lie in the wrappers' files."""
    try:
        return call(), []
    except BaseException as error:  # noqa: BLE001
        own = [frame.name for frame in traceback.extract_tb(error.__traceback__) if "_patching" in frame.filename]
        return repr(error), own


def test_the_committed_bodies_are_what_the_script_writes() -> None:
    """Writing tenure/_patching/bodies again gives the committed files, byte for byte."""
    module = script()

    committed = {name: (module.BODIES / name).read_text(encoding="utf-8") for name in module.generate()}

    assert committed == module.generate(), "run: python scripts/wrapper_bodies.py"
    assert [f"{room}.{shape.name}" for room, shapes in module.FILES.items() for shape in shapes] == SHAPES


@pytest.mark.parametrize("error", [None, Boom("the program's"), asyncio.CancelledError()], ids=repr)
@pytest.mark.parametrize("shape", SHAPES)
def test_hooks_are_called_in_order_and_the_program_sees_none(shape: str, error: BaseException | None) -> None:
    """Before, and then after or failed; the program gets the result and the traceback of the original."""
    seen: list[object] = []
    state = SimpleNamespace(channels=("channel",))

    def before(*_: object) -> object:
        seen.append("before")
        return state

    def after(given: object, *_: object) -> None:
        seen.append(("after", given is state))

    def failed(given: object, raised: BaseException) -> None:
        seen.append(("failed", given is state, raised is error))

    plain = outcome(wrapped(shape, error))
    ended = outcome(wrapped(shape, error, before=before, after=after, failed=failed))

    assert ended == plain
    assert ended[1] == []
    assert seen == ["before", ("after", True) if error is None else ("failed", True, True)]


@pytest.mark.parametrize("error", [None, Boom("the program's")], ids=repr)
@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_fault_in_a_hook_never_reaches_the_program(
    shape: str,
    hook: str,
    error: BaseException | None,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each hook fails in each shape: the program gets what it gets without hooks, and the fault is reported."""
    reported: list[tuple[str, str]] = []
    monkeypatch.setattr("tenure._core.faults.fault", lambda where, fault: reported.append((where, str(fault))))

    def injected(*_: object) -> None:
        raise RuntimeError("injected")

    hooks = {"before": lambda *_: SimpleNamespace(channels=("channel",)), hook: injected}

    assert outcome(wrapped(shape, error, **hooks)) == outcome(wrapped(shape, error))
    is_reached = hook in {"before", "after" if error is None else "failed"}
    assert reported == [(f"testing {shape}", "injected")] * is_reached
    assert caplog.records == []


@pytest.mark.parametrize(
    "shape", [shape for shape in SHAPES if not shape.endswith(("special", "callback", "application"))]
)
def test_a_wrapper_looks_like_its_original(shape: str) -> None:
    """Its name, its signature, its original and what kind of function it is."""
    room, name = shape.split(".")

    async def take(self: object, *, size: int = 1) -> int:
        """Take one."""
        return 1

    def take_now(self: object, *, size: int = 1) -> int:
        """Take one."""
        return 1

    original: Callable[..., object] = take if room == "awaited" else take_now
    wrapper = getattr({"awaited": awaited, "immediate": immediate}[room], name)(original, "testing")

    assert (wrapper.__name__, wrapper.__qualname__, wrapper.__doc__) == (
        original.__name__,
        original.__qualname__,
        "Take one.",
    )
    assert inspect.signature(wrapper) == inspect.signature(original)
    assert wrapper.__wrapped__ is original
    assert inspect.iscoroutinefunction(wrapper) is (room == "awaited")


def test_a_wrapper_of_a_function_that_returns_an_awaitable_is_called_at_once() -> None:
    """Where the original is no coroutine function, the call does its work and raises its errors."""
    called: list[str] = []

    async def ending() -> str:
        return "value"

    def take(name: str) -> object:
        called.append(name)
        return ending()

    wrapper: Any = awaited.function(take, "testing", before=lambda arguments, _: arguments)
    coroutine = wrapper("lock")

    assert called == ["lock"]
    assert not inspect.iscoroutinefunction(wrapper)
    assert asyncio.run(coroutine) == "value"
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'name'"):
        wrapper()


@pytest.mark.parametrize("shape", ["enter", "push", "method", "acquire", "function"])
def test_a_wrapped_coroutine_function_is_called_at_once(shape: str) -> None:
    """A wrong argument is refused by the call, in the original's words; what is never awaited is warned of once."""

    async def take(first: object, second: object = None) -> object:
        return first

    wrapper: Any = getattr(awaited, shape)(take, "testing")
    arguments = (1,) if shape == "enter" else (1, 2)
    texts = []
    for function in (take, wrapper):
        with pytest.raises(TypeError) as refused:
            function(third=3)
        assert [frame.name for frame in traceback.extract_tb(refused.value.__traceback__)][1:] == []
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            function(*arguments)
            gc.collect()
        texts.append([str(refused.value), *(str(warning.message) for warning in warned)])

    assert texts[0] == texts[1]
    assert len(texts[0]) == 2


def test_a_cancelled_wrapper_ends_as_cancelled_and_lets_go_of_its_arguments() -> None:
    """A task in a wrapped coroutine is cancelled as the original is, and the frame keeps nothing it was called with."""
    failures: list[str] = []

    async def wait(owner: object, event: asyncio.Event) -> None:
        await event.wait()

    wrapper: Any = awaited.method(wait, "testing", failed=lambda _, error: failures.append(type(error).__name__))

    async def main() -> bool:
        task = asyncio.create_task(wrapper("owner", asyncio.Event()))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(main()) is True
    assert failures == ["CancelledError"]


def test_wrappers_that_acquire_are_known_by_their_code() -> None:
    """The code of what a factory makes is that of its wrappers, and of no other factory's."""

    async def take(_: object) -> None: ...

    codes = {bodies.wrapper_code(getattr(awaited, shape.split(".")[1])) for shape in SHAPES if "awaited" in shape}

    coroutine: Any = awaited.acquire(take, "testing")("owner")
    coroutine.close()
    assert bodies.wrapper_code(awaited.acquire) is coroutine.cr_code
    assert len(codes) == 8
