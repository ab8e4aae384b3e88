"""Programs, one for each way to end, and the modules that they import."""

ENDS = {
    "status": "import sys; sys.exit(3)",
    "message": "import sys; sys.exit('a message')",
    "none": "raise SystemExit",
    "object": "raise SystemExit(['odd'])",
    "exception": "def f(): raise ValueError('oops')\nf()",
    "exception in a task": """
import asyncio
class M:
    async def __aenter__(self): return self
    async def __aexit__(self, *details): return False
async def main():
    async with M() as a, M():
        async with asyncio.TaskGroup() as group:
            raise KeyError('oops')
asyncio.run(main())
""",
    "chained": """
try:
    raise KeyError('first')
except KeyError as error:
    raise ValueError('second') from error
""",
    "syntax": "print('never')\nx = = 1\n",
    "syntax in async code": "async def f():\n    async with a b:\n        pass\n",
    "indentation": "if 1:\nprint()\n",
    "null byte": "x = '\\0'\n",
    "keyboard": "raise KeyboardInterrupt",
    "hook": "import sys\nsys.excepthook = lambda kind, error, tb: print(kind, error, tb.tb_lineno)\n1 / 0",
    "import of what is missing": "import nothing_of_that_name",
    "error in an imported module": "import broken",
    "syntax error in an imported module": "import unreadable",
    "syntax error in an imported module, told by the program": """
import logging, traceback
try:
    import unreadable
except SyntaxError as error:
    traceback.print_exc()
    logging.exception("told")
""",
    "null byte in an imported module": "import null",
    "an import that a finder forbids": """
import sys
class Forbids:
    def find_spec(self, name, path, target=None):
        if name == "helper": raise ImportError("forbidden")
sys.meta_path.append(Forbids())
def f(): import helper
f()
""",
    "a module that imports what is missing": "import imports",
    "syntax warnings": "import warns",
    "atexit": "import atexit; atexit.register(print, 'goodbye'); raise ValueError('oops')",
    "thread": """
import threading, time
threading.Thread(target=lambda: (time.sleep(0.1), print('thread', __name__))).start()
""",
    "async exit": """
import asyncio, sys
async def main(): sys.exit(7)
asyncio.run(main())
""",
}


MODULES = {
    "broken": "def f():\n    1 / 0\nf()\n",
    "unreadable": "async def f():\n    async with a as 5: pass\n",
    "imports": "async def f(m):\n    async with m: pass\nimport nothing_of_that_name\n",
    "warns": r"""
        async def f(m):
            async with m:
                return "\d", 1 is 1, (1, 2)(3)
        def g():
            try: pass
            finally: return 1
        assert (f, "never false")
    """,
}
