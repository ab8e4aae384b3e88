"""Programs that are installed: a package with a command of its own is the program's, and not a library.

What lies in site-packages is a library's, and neither rewritten nor shown. But ``myapp``, ``python -m myapp`` and
``uvicorn myapp:app`` run an installed ``myapp``, which is meant. Servers and launchers are not the program: it is what
they are given.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tenure._identify.installed_code import is_installed_file

# Packages whose command runs somebody else's program.
LAUNCHERS = frozenset(
    {
        "IPython", "aiohttp", "arq", "asv", "behave", "bpython", "bottle", "celery", "circus", "click", "coverage",
        "daphne", "ddtrace", "debugpy", "django", "dramatiq", "elasticapm", "fastapi", "fastapi_cli", "faststream",
        "flask", "gevent", "granian", "gunicorn", "honcho", "huey", "hypercorn", "invoke", "ipykernel", "jupyter",
        "jupyter_client", "jupyter_core", "jupyterlab", "kombu", "line_profiler", "litestar", "locust", "mcp",
        "memory_profiler", "microdot", "mypy", "newrelic", "nose2", "notebook", "nox", "opentelemetry", "pdm", "pip",
        "pipenv", "pipx", "poetry", "ptpython", "pudb", "py_spy", "pyinstrument", "pytest", "quart", "robyn", "rq",
        "saq", "sanic", "scalene", "sentry_sdk", "starlette", "streamlit", "supervisor", "taskiq", "tenure",
        "tenure_server", "tornado", "tox", "trio", "twisted", "uv", "uvicorn", "uwsgi", "virtualenv", "viztracer",
        "waitress", "watchfiles", "watchgod", "xdist",
    }
)  # fmt: skip

_IMPORT = re.compile(rb"^\s*from ([\w.]+) import ", re.MULTILINE)  # of a console script, as installers write it
_SCRIPT_BYTES = 4_096
_OBJECT = re.compile(r"([A-Za-z_]\w*)(?:\.\w+)*:[\w.]+(?:\(\))?")  # "myapp.web:create_app()"
_MODULE = re.compile(r"([A-Za-z_]\w*)(?:\.\w+)*")
_BEFORE_A_MODULE = frozenset({"-A", "--app", "-m", "--module", "--pyargs"})
_IS_CLASS = re.compile(r"([A-Za-z_]\w*)(?:\.\w+)*\.[A-Z]\w*")  # "myapp.worker.Settings"


def packages(kind: str, text: str, arguments: Sequence[str]) -> list[str]:
    """The installed packages that are the program, by how it is started.

    ``kind`` is "module" or "script", ``text`` the module's name or the script's path; nothing is imported.
    """
    if kind == "module":
        named = text.partition(".")[0]
    elif kind == "script":
        named = _imported_by(text)
    else:
        return []
    if named and named not in LAUNCHERS:
        return [named] if _is_installed(named) else []
    targets = dict.fromkeys(_targets(arguments)) if named else {}
    return [target for target in targets if target not in LAUNCHERS and _is_installed(target)]


def _imported_by(script: str) -> str:
    """The package whose function a console script calls; "" if the file is no console script."""
    path = Path(script)
    if path.parent.name not in {"bin", "Scripts"} or path.suffix not in {"", ".py"}:
        return ""
    try:
        with path.open("rb") as file:
            head = file.read(_SCRIPT_BYTES)
    except OSError:
        return ""
    imported = _IMPORT.search(head) if head.startswith(b"#!") else None
    return imported[1].decode("ascii", "replace").partition(".")[0] if imported else ""


def _targets(arguments: Sequence[str]) -> Iterator[str]:
    """The packages that a launcher's arguments name: ``myapp.web:app``, ``-A myapp``, ``myapp.worker.Settings``."""
    before = ""
    for word in arguments:
        option, _, value = word.partition("=")
        is_joined = word.startswith("--") and bool(value)
        name = value if is_joined else word
        match = _OBJECT.fullmatch(name) or _IS_CLASS.fullmatch(name)
        if match is None and (option if is_joined else before) in _BEFORE_A_MODULE:
            match = _MODULE.fullmatch(name)
        if match is not None:
            yield match[1]
        before = word


def _is_installed(package: str) -> bool:
    """Whether the package is there and lies among the installed ones, and is not Python's own."""
    if package in sys.stdlib_module_names:
        return False
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError, AttributeError):
        return False
    if spec is None:
        return False
    places = [spec.origin] if spec.origin else list(spec.submodule_search_locations or ())
    return any(is_installed_file(place) for place in places)
