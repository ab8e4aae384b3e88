"""Programs whose ``main()`` returns what they see of themselves, which recording must not change.

They look where existing test suites do not.
"""

from tests.tracer.transparency.programs import calls, functions, managers, suspension

LOOKING = """
import asyncio, contextlib, gc, inspect, sys, types, warnings, weakref

class Manager:
    def __init__(self, name="m", log=None): self.name, self.log = name, log if log is not None else []
    async def __aenter__(self):
        self.log.append(("entering", self.name))
        await asyncio.sleep(0)
        self.log.append(("entered", self.name))
        return self
    async def __aexit__(self, kind, error, tb):
        self.log.append(("leaving", self.name, repr(error)))
        if kind is not GeneratorExit: await asyncio.sleep(0)  # a coroutine that is closed may not wait
        self.log.append(("left", self.name))

def patch(kind): pass  # a test puts in a class patch

def frames_of(error):
    while error.__traceback__ is not None and error.__traceback__.tb_frame.f_code.co_filename != "program.py":
        error.__traceback__ = error.__traceback__.tb_next
    found, tb = [], error.__traceback__
    while tb is not None:
        code = tb.tb_frame.f_code
        found.append((code.co_name, tb.tb_lineno, list(code.co_positions())[tb.tb_lasti // 2]))
        tb = tb.tb_next
    return repr(error), found

def chain_of(coroutine):
    found = []
    while inspect.iscoroutine(coroutine):
        frame = coroutine.cr_frame
        found.append((coroutine.__name__, coroutine.__qualname__, frame and frame.f_lineno,
                      inspect.getcoroutinestate(coroutine)))
        coroutine = coroutine.cr_await
    return found
"""

PROGRAMS = {**functions.PROGRAMS, **suspension.PROGRAMS, **managers.PROGRAMS, **calls.PROGRAMS}
