"""Twelve units of work in three child processes: `children.py spawn|forkserver|fork|subprocess`."""

import asyncio
import multiprocessing
import subprocess
import sys

import once


def work():
    asyncio.run(once.main())


def by_multiprocessing(method):
    context = multiprocessing.get_context(method)
    children = [context.Process(target=work) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    print([child.exitcode for child in children])


def by_subprocess():
    children = [subprocess.Popen([sys.executable, "once.py"]) for _ in range(3)]
    print([child.wait() for child in children])


if __name__ == "__main__":
    if sys.argv[1] == "subprocess":
        by_subprocess()
    else:
        by_multiprocessing(sys.argv[1])
