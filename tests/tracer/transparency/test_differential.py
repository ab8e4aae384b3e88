"""Programs that look closely, run as they are and recorded: what they see is the same, whole values compared.

docs/transparency.md says what cannot be the same; the tests at the end show that it is only that.
"""

import asyncio
import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.tracer.transparency.programs import LOOKING, PROGRAMS

import tenure
from tenure import testing
from tenure._patching import class_patches
from tenure._rewriting import rewriter

FORMS: dict[str, Callable[[str], Any]] = {
    "rewritten": lambda source: rewriter.rewrite(source.encode(), "program.py", sync=True),
    "as it is": lambda source: compile(source, "program.py", "exec"),  # what adapters patch is recorded all the same
}
OURS = str(Path(tenure.__file__).parent)


def load(source: str, form: str, **names: Any) -> dict[str, Any]:
    """The names of a program that may use those of ``LOOKING``."""
    loaded: dict[str, Any] = {"__name__": "app"}
    exec(compile(LOOKING, "looking.py", "exec"), loaded)
    loaded.update(names)
    exec(FORMS[form](source), loaded)
    return loaded


def run(source: str, form: str, **names: Any) -> Any:
    return asyncio.run(load(source, form, **names)["main"]())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_sees_the_same_when_it_is_recorded(name: str, form: str) -> None:
    """Whatever it looks at, rewritten or with the classes that it uses patched."""
    plain = run(PROGRAMS[name], "as it is")
    with testing.recorder(sync=True) as recorder:
        assert run(PROGRAMS[name], form) == plain
    if form == "rewritten":
        assert recorder.lifecycles() != []


@pytest.mark.parametrize("form", FORMS)
def test_a_patched_class_of_an_odd_shape_works_or_fails_as_before(form: str) -> None:
    """Whether its methods give nothing to await, a generator, no truth value, or forbid all questions."""
    program = PROGRAMS["managers of odd shapes"]
    plain = run(program, "as it is")
    with testing.recorder():
        assert run(program, form, patch=class_patches.patch_manager) == plain


@pytest.mark.parametrize("form", FORMS)
def test_a_patched_class_keeps_no_exception_alive_that_goes_through_it(form: str) -> None:
    """The frames of its methods are in the traceback, and ours is their caller: it lets go of what it was given."""
    program = """
class Group:
    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, traceback):
        await asyncio.sleep(0)
        try:
            raise error
        finally:
            del kind, error, traceback

class Now:
    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        try:
            raise error
        finally:
            del kind, error, traceback

async def main():
    patch(Group)
    patch(Now, sync=True)
    kept = []
    try:
        async with Group():
            raise KeyError
    except KeyError as error:
        kept.append(error)
    try:
        with Now():
            raise KeyError
    except KeyError as error:
        kept.append(error)
    try:
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(Group())
            raise KeyError
    except KeyError as error:
        kept.append(error)
    return [sorted(type(referrer).__name__ for referrer in gc.get_referrers(error)) for error in kept]
"""
    plain = run(program, "as it is", patch=lambda kind, **_: None)
    with testing.recorder(sync=True):
        assert run(program, form, patch=class_patches.patch_manager) == plain


@pytest.mark.parametrize("form", FORMS)
def test_a_task_that_waits_in_a_patched_class_shows_the_same_stack(form: str) -> None:
    """Its frames are the same; in its chain of awaits a coroutine of ours stands before an original under its name."""
    program = """
lock = asyncio.Lock()

async def waits():
    async with lock:
        pass

def files(coroutine):
    while inspect.iscoroutine(coroutine):
        yield coroutine.__qualname__, coroutine.cr_code.co_filename
        coroutine = coroutine.cr_await

async def main():
    await lock.acquire()
    task = asyncio.create_task(waits())
    await asyncio.sleep(0)
    seen = [(frame.f_code.co_name, frame.f_lineno) for frame in task.get_stack()], [*files(task.get_coro())]
    task.cancel()
    return seen
"""
    stack, chain = run(program, "as it is")
    with testing.recorder():
        recorded_stack, recorded_chain = run(program, form)
    originals = [(name, file) for name, file in recorded_chain if not file.startswith(OURS)]
    assert (recorded_stack, originals) == (stack, chain)
    assert [name for name, _ in itertools.groupby(name for name, _ in recorded_chain)] == [name for name, _ in chain]


@pytest.mark.parametrize("form", FORMS)
def test_a_recursion_goes_nearly_as_deep(form: str) -> None:
    """A statement takes no stack while its body runs; at the very limit, a few calls of ours are missing."""
    program = """
async def deep(depth):
    deepest[0] = depth
    async with Manager(), asyncio.timeout(None):
        await deep(depth + 1)

deepest = [0]

async def main():
    try:
        await deep(0)
    except RecursionError as error:
        return deepest[0], asyncio.current_task().cancelling()
"""
    plain, *rest = run(program, "as it is")
    with testing.recorder():
        reached, *recorded_rest = run(program, form)
    assert recorded_rest == rest
    assert plain - reached in range(25)


def test_only_a_frame_itself_shows_the_names_that_rewriting_brought_in() -> None:
    """``frame.f_locals``, ``locals`` by another name or in a text have them; no program can have written any."""
    program = """
async def main():
    async with Manager() as manager:
        ask = locals
        return sorted(sys._getframe().f_locals), sorted(ask()), eval("sorted(locals())")
"""
    plain = run(program, "as it is")
    with testing.recorder():
        recorded = run(program, "rewritten")
    own = tuple([name for name in names if not name.startswith("@tenure")] for names in recorded)
    assert own == plain
    assert recorded != plain


@pytest.mark.parametrize("form", FORMS)
def test_a_program_that_counts_objects_finds_none_of_ours_left_over(form: str) -> None:
    """No cycle, no exception and no frame stays behind however often a statement is entered and left."""
    program = """
async def once(fails):
    async with Manager(), asyncio.Lock() as lock, asyncio.timeout(None):
        if fails: raise KeyError("body")

async def main():
    gc.collect()
    gc.disable()
    try:
        for fails in [False, True] * 50:
            with contextlib.suppress(KeyError):
                await once(fails)
        return gc.collect(), [type(thing).__name__ for thing in gc.get_objects()
                              if issubclass(type(thing), (Manager, KeyError, types.FrameType, types.CoroutineType))
                              and getattr(thing, "f_code", once.__code__) is once.__code__
                              and getattr(thing, "cr_code", once.__code__) is once.__code__]
    finally:
        gc.enable()
"""
    plain = run(program, "as it is")
    with testing.recorder():
        assert run(program, form) == plain


def test_a_trace_function_sees_the_same_lines_calls_and_returns_of_a_program() -> None:
    """A statement's own line is visited once more for its stamps; no other event is added or missing."""
    program = """
async def main():
    for _ in range(3):
        async with Manager() as manager:
            manager.name
"""

    def events(form: str) -> set[tuple[str, str, int]]:
        main = load(program, form)["main"]
        seen = set()

        def trace(frame: Any, event: str, _: object) -> Any:
            if frame.f_code.co_filename == "program.py":
                seen.add((frame.f_code.co_name, event, frame.f_lineno))
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            asyncio.run(main())
        finally:
            sys.settrace(before)
        return seen

    plain = events("as it is")
    with testing.recorder():
        assert events("rewritten") == plain
