"""The first call from a site walks no code and reads no file while the program waits."""

import asyncio
import builtins
import contextlib
import dis
import io
import linecache
import sys
import threading
import time
import tokenize

import pytest

from tenure._identify import sites, source_text

BODY = "\n".join(f"        x{number} = {number} + len(str({number}))" for number in range(3_000))
SOURCE = f"""
async def acquires(lock):
    if len(""):
{BODY}
    await lock.acquire()
    lock.release()

async def enters(lock, stack):
    if len(""):
{BODY}
    await stack.enter_async_context(lock)

async def uses(lock, other):
    if len(""):
{BODY}
    async with other, lock:
{BODY}
"""


@pytest.fixture
def functions(tmp_path):
    """Long functions of a file that is not rewritten."""
    file = tmp_path / "long.py"
    file.write_text(SOURCE)
    names: dict[str, object] = {}
    exec(compile(SOURCE, str(file), "exec"), names)
    return names


@pytest.fixture
def work(monkeypatch):
    """What is done on this thread while the loop runs: code walked, lines looked up, files opened."""
    done: list[str] = []

    def counted(owner, name):
        original = getattr(owner, name)

        def counting(*arguments, **named):
            if asyncio._get_running_loop() is not None:
                done.append(name)
            return original(*arguments, **named)

        monkeypatch.setattr(owner, name, counting)

    for owner, name in (
        (dis, "get_instructions"),
        (linecache, "getline"),
        (linecache, "updatecache"),
        (tokenize, "open"),
        (builtins, "open"),
        (io, "open"),
        (source_text, "at"),
    ):
        counted(owner, name)
    return done


async def run(functions, lock):
    await functions["acquires"](lock)
    async with contextlib.AsyncExitStack() as stack:
        await functions["enters"](lock, stack)
    await functions["uses"](lock, asyncio.Lock())


def test_a_first_call_reads_no_file_and_walks_no_code(recorder, functions, work):
    """The line and the expression are found when a batch is made, which the program does not wait for."""
    asyncio.run(run(functions, asyncio.Lock()))
    assert work == []
    found = {(site.function, site.line, site.expression) for site in recorder.sites()}
    line = 3_000
    assert found == {
        ("acquires", 4 + line, "lock.acquire()"),
        ("enters", 9 + 2 * line, "lock"),
        ("uses", 13 + 3 * line, "lock"),
        ("uses", 13 + 3 * line, "other"),
    }
    assert [resource.name for resource in recorder.resources()] == ["lock", "lock", "other", "lock"]


def test_a_first_call_takes_no_longer_in_a_longer_function(recorder):
    """Several times what it takes in a function of one statement is a bound that no walk over 20,000 keeps."""

    def function(statements):
        body = "\n".join(f"        x{number} = {number}" for number in range(statements))
        names = {"clock": time.perf_counter}
        text = f"async def f(lock):\n    if len(''):\n{body}\n    t = clock()\n    await lock.acquire()\n"
        exec(compile(f"{text}    t = clock() - t\n    lock.release()\n    return t\n", "none.py", "exec"), names)
        return names["f"]

    async def first_calls(statements):
        return [await function(statements)(asyncio.Lock()) for _ in range(5)]

    asyncio.run(first_calls(1))
    short, long = asyncio.run(first_calls(1)), asyncio.run(first_calls(20_000))
    assert min(long) < 10 * min(short) + 0.001


def test_a_place_that_is_forgotten_keeps_its_file_and_function(monkeypatch):
    """As many are kept as a program has; one that makes code without end keeps what it can."""
    monkeypatch.setattr(sites, "_MOST_PLACES", 1)
    keys = [sites.of_instruction(compile("a = 1", f"made{number}.py", "exec"), 2) for number in range(3)]
    assert [sites.Site.of(sites.settled(key)).file for key in keys] == ["made0.py", "made1.py", "made2.py"]
    assert [sites.Site.of(sites.settled(key)).line for key in keys] == [1, 1, 1]


def test_places_are_settled_on_another_thread(functions):
    """The shipping thread finds out what the program's thread marked."""
    lock = asyncio.Lock()
    key = sites.of_instruction(functions["acquires"].__code__, 0)
    name = sites.resource_name(sites.Site.of(key).expression)
    seen = []
    thread = threading.Thread(target=lambda: seen.extend([sites.settled(key), sites.settled_text(name)]))
    thread.start()
    thread.join()
    assert not lock.locked()
    assert sites.Site.of(seen[0])[:3] == (functions["acquires"].__code__.co_filename, 2, "acquires")
    assert "\x1d" not in "".join(seen)


def test_a_long_body_is_not_parsed_for_the_items_of_its_statement(functions, monkeypatch):
    """Only the header is: parsing holds the interpreter, and with it the loop."""
    parsed = []
    parse = source_text.ast.parse

    def noted(text, **named):
        parsed.append(len(text))
        return parse(text, **named)

    monkeypatch.setattr(source_text.ast, "parse", noted)
    code = functions["uses"].__code__
    entries = [
        instruction.offset
        for instruction in dis.get_instructions(code)
        if instruction.opname in {"BEFORE_ASYNC_WITH", "GET_AWAITABLE"}
    ]
    assert {source_text.at(code, offset)[1] for offset in entries} >= {"lock", "other"}
    assert max(parsed) < 100, sys.version
