"""Inside the interpreter under test: writes each outcome as a JSON line into the file $TRANSPARENCY_REPORT.

Every line is written by itself, with nothing of Python's own files between, so that a suite which hangs, crashes, forks
or replaces ``open`` still leaves what was known until then. No ``with`` stands here: it would be recorded too.
"""

import json
import os
import sys

_PATH = os.environ.get("TRANSPARENCY_REPORT", os.devnull)
if "TRANSPARENCY_TEST" in os.environ:  # as it is, on a machine so busy that threads take turns all the time
    sys.setswitchinterval(1e-6)
_open, _write, _close = os.open, os.write, os.close
_seen = {}  # modules by name: tests take some of them away again


def report_outcome(test, outcome):
    """A test began ("began") or ended, or failed outside of any test."""
    _line({"test": test, "outcome": outcome})


def look_at_modules():
    """Remember the modules that are imported now."""
    _seen.update(sys.modules)


def report_end():
    """Everything was run: write the number of recorded sites."""
    look_at_modules()
    _line({"sites": sum(_sites(code) for code in _rewritten())})


def _line(values):
    file = _open(_PATH, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    _write(file, json.dumps(values).encode() + b"\n")
    _close(file)


def _rewritten():
    """The code of every module that the import hook loaded."""
    for name, module in list(_seen.items()):
        loader = getattr(getattr(module, "__spec__", None), "loader", None)
        if type(loader).__name__ == "RewritingLoader" and loader.name == name:
            yield loader.get_code(name)
        elif type(loader).__name__ == "AssertionRewritingHook":  # pytest's, which keeps no code: that of its functions
            yield from _functions(vars(module).values(), name, set())


def _functions(values, module, seen):
    """The code of a module's functions, methods and fixtures, each once."""
    for value in map(_undecorated, list(values)):
        if id(value) in seen or getattr(value, "__module__", None) != module:
            continue
        seen.add(id(value))
        if isinstance(value, type):
            yield from _functions(vars(value).values(), module, seen)
        elif hasattr(value, "__code__"):
            yield value.__code__


def _undecorated(value):
    if type(value).__module__ == "_pytest.fixtures":
        value = getattr(value, "_fixture_function", value)
    if type(value) in (classmethod, staticmethod):
        value = value.__func__
    return vars(value).get("__wrapped__", value) if hasattr(value, "__dict__") else value


def _sites(code):
    """How many statements of this code, and of the functions in it, are recorded: each has its site as a constant."""
    count = 0
    for constant in code.co_consts:
        if isinstance(constant, str):
            count += constant.startswith(code.co_filename + "\x1f")
        elif hasattr(constant, "co_consts"):
            count += _sites(constant)
    return count
