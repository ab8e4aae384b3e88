"""Faults that the program brings on itself in the middle of its work; ``work(count, turns)`` does more work."""

import asyncio
import ctypes
import os
import re
import resource
import signal
import sys
import threading
import time


def nothing(count, work):
    pass


async def until_told(count, work):
    """Works on until the file COUNT.go exists."""
    while not os.path.exists(f"{count.path}.go"):
        await work(count, 1)


def be_killed(count, work):
    os.kill(os.getpid(), signal.SIGKILL)


def crash(count, work):
    ctypes.string_at(0)


def end_by_signal(count, work):
    """``work.py`` sends a signal that has no handler after the event loop has closed."""


def exit_at_once(count, work):
    os._exit(9)


async def use_up_files(count, work):
    """No descriptor is left for a while."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    taken = []
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        print(error.strerror)
    await work(count, 30)
    for file in taken:
        os.close(file)


async def use_up_memory(count, work):
    """The address space may grow by 100 MB and no more; the program catches what comes of that and goes on with 8."""
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[0])
    unlimited = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 100_000_000, unlimited[1]))
    taken = []
    try:
        while True:
            taken.append(bytearray(1_000_000))
    except MemoryError:
        del taken[-8:]
        print("no memory")
    await work(count, 30)
    taken.clear()
    resource.setrlimit(resource.RLIMIT_AS, unlimited)


async def close_files(count, work):
    """As a daemon of the old school: every descriptor is closed, and files of its own come under their numbers."""
    loop = asyncio.get_running_loop()
    own = {loop._selector.fileno(), loop._ssock.fileno(), loop._csock.fileno()}
    for file in {*range(3, 100)} - own:
        try:
            os.close(file)
        except OSError:
            pass
    count.open()
    files = [os.open(f"{count.path}.{number}", os.O_RDWR | os.O_CREAT, 0o644) for number in range(20)]
    for number, file in enumerate(files):
        os.write(file, b"mine %d" % number)
    await work(count, 30)
    print([os.pread(file, 1_000, 0) == b"mine %d" % number for number, file in enumerate(files)])


async def look_at_standard_descriptors(count, work):
    """What stands in the place of standard streams that were closed before the start."""
    await work(count, 10)
    for file in (0, 1, 2):
        try:
            target = os.readlink(f"/proc/self/fd/{file}").replace(count.path, "the count")
        except OSError as error:
            target = error.strerror
        count.note(f"{file}: {re.sub('[0-9]+', 'n', os.path.basename(target))}")


def wait_for_signals(count, work):
    """The first SIGINT cancels the main task, which only a second one gets out of this."""
    print("ready", flush=True)
    time.sleep(30)


def clean_up_slowly(count, work):
    """Two signals ask the program to end while it still tidies up."""
    signal.signal(signal.SIGTERM, lambda *_: (print("asked to end", flush=True), time.sleep(0.3)))
    print("ready", flush=True)
    signal.pause()
    time.sleep(1)


def fork(count, work):
    """Children are forked while threads hold things and the recording flushes; each does some work of its own."""
    threads = [threading.Thread(target=asyncio.run, args=(work(count, 30),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        time.sleep(0.05)
        sys.stdout.flush()
        child = os.fork()
        if not child:
            asyncio.run(work(count, 3))
            sys.exit(0)
        print("child", os.waitpid(child, 0)[1])
    for thread in threads:
        thread.join()


def fork_until_told(count, work):
    """The same until somebody makes the file COUNT.go, and one more child then."""
    for last in (False, True):
        while last or not os.path.exists(f"{count.path}.go"):
            sys.stdout.flush()
            child = os.fork()
            if not child:
                asyncio.run(work(count, 3))
                sys.exit(0)
            assert os.waitpid(child, 0)[1] == 0
            if last:
                break
    asyncio.run(work(count, 3))
