"""The ways in which people start Python, as the table of docs/running.md has them.

``unit`` is today's truth. Where it is "", no root has the ``names`` yet, and the test fails once one has: then ``unit``
is to be set, and the table written again (``python -m tests.interop.ways --write``).
"""

from __future__ import annotations

import json
import signal
import zipfile
from functools import partial
from pathlib import Path

from .declaration import UNITS, Way
from .servers import ASGI_SERVERS, FRAMEWORKS


def _zipapp(directory: Path) -> None:
    with zipfile.ZipFile(directory / "once.pyz", "w") as archive:
        archive.write(directory / "work.py", "work.py")
        archive.write(directory / "once.py", "__main__.py")


def _folder(directory: Path) -> None:
    folder = directory / "folder"
    folder.mkdir()
    (folder / "work.py").write_text((directory / "work.py").read_text())
    (folder / "__main__.py").write_text((directory / "once.py").read_text())


def _notebook(directory: Path) -> None:
    source = (directory / "cells.ipy").read_text()
    cell = {"cell_type": "code", "execution_count": None, "id": "one", "metadata": {}, "outputs": [], "source": source}
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    notebook = {"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (directory / "notebook.ipynb").write_text(json.dumps(notebook))


_TESTS = [f"tests_of_shop.py::test_item[{item}]" for item in range(UNITS)]
_COMMAND = (
    "async def main():\n  for _ in range(12):\n    async with work.Connection(): work.note()\nasyncio.run(main())"
)
_plain = partial(Way, light=True)
_children = partial(Way, light=True, done=3 * UNITS, workers=3)

_JOBS = [
    Way(
        name="arq",
        command="{bin}/arq arq_app.Worker",
        packages=["arq"],
        sender="arq_app.py",
        ready=(1, "Starting worker"),
        end_text="●",
        redis=True,
        names=["show"],
        stop=signal.SIGTERM,
        unit="job",
    ),
    Way(
        name="taskiq worker",
        command="{bin}/taskiq worker taskiq_app:broker --workers 1",
        packages=["taskiq"],
        sender="taskiq_app.py",
        ready=(1, "Listening started"),
        names=["taskiq_app:show"],
        unit="job",
    ),
    Way(
        name="celery worker",
        command="{bin}/celery -A celery_app worker -c 2 -l info",
        packages=["celery"],
        sender="celery_app.py",
        ready=(1, "ready."),
        end_text="succeeded in",
        names=["show"],
        stop=signal.SIGTERM,
        unit="job",
    ),
]
_TOOLS = [
    _plain(name="pytest", command="{bin}/pytest -q tests_of_shop.py", packages=["pytest"], names=_TESTS, unit="test"),
    _plain(
        name="pytest -n 2",
        command="{bin}/pytest -q -p xdist.plugin -n 2 tests_of_shop.py",
        packages=["pytest", "pytest-xdist"],
        names=_TESTS,
        workers=2,
        unit="test",
    ),
    Way(
        name="ipython file.ipy",
        command="{bin}/ipython --colors=NoColor cells.ipy",
        packages=["ipython"],
        notes="functions of earlier cells are recorded when their cell runs again",
    ),
    Way(
        name="jupyter execute (nbclient)",
        command="{bin}/jupyter execute notebook.ipynb",
        packages=["nbclient", "ipykernel"],
        prepare=_notebook,
        notes="functions of earlier cells are recorded when their cell runs again",
    ),
    Way(
        name="MCP client and server over stdio",
        command="{python} mcp_client.py",
        packages=["mcp"],
        names=["show"],
        notes="mcp gives its server a small environment: pass `env=dict(os.environ)`",
        unit="tool call",
    ),
]
_PYTHON = [
    _plain(name="python script.py", command="{python} once.py"),
    _plain(name="python -m module", command="{python} -m once"),
    _plain(name="python -c CODE", command="{python} -c 'import asyncio, work\n" + _COMMAND + "'"),
    _plain(name="python - < script.py", command="{python} -", stdin="once.py"),
    _plain(name="python directory", command="{python} folder", prepare=_folder),
    _plain(name="python zipapp.pyz", command="{python} once.pyz", prepare=_zipapp),
    _children(name="subprocess", command="{python} children.py subprocess"),
    _children(name="multiprocessing, spawn", command="{python} children.py spawn"),
    _children(name="multiprocessing, forkserver", command="{python} children.py forkserver"),
    _children(name="multiprocessing, fork", command="{python} children.py fork"),
]
WAYS = [*ASGI_SERVERS, *FRAMEWORKS, *_JOBS, *_TOOLS, *_PYTHON]
