"""Other projects' packages with ``async with``: recorded, their output and exit code are the same."""

from pathlib import Path

import pytest
from tests.tracer.support import programs

ANYIO = """
import sys
import anyio
from anyio.streams.stapled import MultiListener
from anyio.streams.text import TextStream

async def serve(client):
    async with client:
        async for data in client:
            await client.send(data.upper())

async def produce(stream, name):
    async with stream:
        for number in range(3):
            await stream.send(f"{name}{number}")

async def main():
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, serve)
        async with await anyio.connect_tcp("localhost", port) as stream:
            text = TextStream(stream)
            await text.send("hello")
            print(await text.receive())
        group.cancel_scope.cancel()
    send, receive = anyio.create_memory_object_stream(1)
    got = []
    async with anyio.create_task_group() as group:
        async with send:
            for name in "ab":
                group.start_soon(produce, send.clone(), name)
        async with receive:
            async for item in receive:
                got.append(item)
    print(sorted(got))
    limiter = anyio.CapacityLimiter(1)
    lock, order = anyio.Lock(), []
    async def work(name):
        async with limiter, lock:
            order.append((name, limiter.borrowed_tokens, lock.statistics().locked))
            await anyio.sleep(0)
    async with anyio.create_task_group() as group:
        for name in "xyz":
            group.start_soon(work, name, name=name)
    print(order)
    with anyio.move_on_after(0.05) as scope:
        async with lock:
            await anyio.sleep(60)
    print(scope.cancelled_caught, lock.statistics().locked)
    try:
        with anyio.fail_after(0.05):
            await anyio.sleep(60)
    except TimeoutError as error:
        print(repr(error))
    async with anyio.TemporaryDirectory() as folder, await anyio.open_file(f"{folder}/x", "w") as file:
        print(await file.write("text"))
    print(await anyio.to_thread.run_sync(lambda: anyio.from_thread.run(anyio.sleep, 0)))
    process = await anyio.run_process([sys.executable, "-c", "print('child')"])
    print(process.stdout)
    async with anyio.create_task_group() as group:
        group.start_soon(anyio.sleep, 60)
        raise KeyError("out")

try:
    anyio.run(main)
except BaseExceptionGroup as group:
    print(repr(group))
    sys.exit(3)
"""

ASYNCSTDLIB = """
import asyncio, sys
import asyncstdlib as a

async def numbers(limit):
    try:
        for number in range(limit):
            await asyncio.sleep(0)
            yield number
    finally:
        print("closed after", number)

@a.contextmanager
async def session(name):
    print("open", name)
    try:
        yield name
    except KeyError as error:
        print("swallowed", error)
    finally:
        print("close", name)

async def main():
    print(await a.list(a.zip(numbers(3), a.cycle("ab"))))
    print([item async for item in a.islice(numbers(100), 2, 9, 3)])
    print([(key, await a.list(group)) async for key, group in a.groupby(numbers(6), key=lambda n: n // 2)])
    async with a.tee(numbers(4), n=3, lock=asyncio.Lock()) as copies:
        print(await asyncio.gather(*[a.list(copy) for copy in copies]))
    async with a.scoped_iter(numbers(10)) as scoped:
        print(await a.anext(scoped), [n async for n in a.takewhile(lambda n: n < 3, scoped)], await a.anext(scoped))
    async with session("one") as one, a.ExitStack() as stack:
        print(one, await stack.enter_context(session("two")))
        stack.callback(print, "callback")
        raise KeyError("body")
    print([n async for n in a.merge(numbers(3), numbers(2), key=lambda n: -n)])
    print(await a.reduce(lambda x, y: x + y, a.chain(numbers(3), [10])), await a.max(numbers(4)))
    print([x async for x in a.batched(numbers(5), 2)])
    async with session("last"):
        raise ValueError("goes on")

asyncio.run(main())
"""

AIOHTTP = """
import asyncio, sys
import aiohttp
from aiohttp import web

async def echo(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data.upper())
    return socket

async def fail(request):
    raise web.HTTPConflict(text="no")

async def main():
    app = web.Application()
    app.router.add_get("/echo", echo)
    app.router.add_get("/fail", fail)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(f"{url}/echo") as socket:
            for word in ("one", "two"):
                await socket.send_str(word)
                print((await socket.receive()).data)
        async with session.get(f"{url}/fail") as response:
            print(response.status, await response.text())
    await runner.cleanup()
    return 4

sys.exit(asyncio.run(main()))
"""

PROGRAMS = {"anyio": (ANYIO, 3), "asyncstdlib": (ASYNCSTDLIB, 1), "aiohttp": (AIOHTTP, 4)}


@pytest.mark.parametrize("package", PROGRAMS)
def test_a_package_with_its_own_async_with_recorded_behaves_the_same(package: str, tmp_path: Path) -> None:
    """Output, errors and exit code are equal, and lifecycles were recorded at sites inside the package."""
    source, status = PROGRAMS[package]
    programs.write(tmp_path, app=source)
    plain = programs.python(tmp_path, "app.py")
    assert plain.status == status
    traced = programs.tenure(tmp_path, "run", "--include", package, "-o", "x.json", "app.py")
    assert traced == plain
    batches = programs.recorded(tmp_path / "x.json")
    inside = {batch.sites[row.site].file for batch in batches for row in batch.rows}
    assert any(f"site-packages/{package}/" in file for file in inside)
    assert sum(batch.dropped.get("fault", 0) for batch in batches) == 0
