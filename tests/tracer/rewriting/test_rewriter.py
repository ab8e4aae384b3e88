"""Each program does the same in its original and in its rewritten form."""

import asyncio
import sys
import textwrap
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from tests.tracer.support.statement_forms import MANAGERS, PROGRAMS, SYNC_PROGRAMS

from tenure import testing
from tenure._rewriting import rewriter


def run(program: str, compiled: Callable[[str], Any]) -> dict[str, Any]:
    """Everything that can be seen of a program's run."""
    names: dict[str, Any] = {"__name__": "app"}
    exec(compile(MANAGERS, "managers.py", "exec"), names)
    exec(compiled(program), names)
    outcome: dict[str, Any] = {"value": None, "error": None}
    try:
        outcome["value"] = asyncio.run(names["main"]())
    except BaseException as error:  # noqa: BLE001  # whatever it is, it is compared
        outcome["error"] = "".join(_without_this_file(error).format())
    return {**outcome, "said": names["said"]}


def _without_this_file(error: BaseException) -> traceback.TracebackException:
    """The traceback as text, from the program's own frames on."""
    told = traceback.TracebackException.from_exception(error)
    told.stack = traceback.StackSummary.from_list(
        [frame for frame in told.stack if frame.filename in {"program.py", "managers.py"}]
    )
    return told


def as_it_is(program: str) -> Any:
    return compile(program, "program.py", "exec")


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_rewritten_program_does_what_the_program_does(name: str) -> None:
    """Results, suppressed and escaping exceptions with their tracebacks, lines, causes and contexts are the same."""
    program = PROGRAMS[name]
    with testing.recorder():
        rewritten = run(program, lambda source: rewriter.rewrite(source.encode(), "program.py"))
    assert rewritten == run(program, as_it_is)


@pytest.mark.parametrize("name", [*PROGRAMS, *SYNC_PROGRAMS])
def test_with_is_rewritten_as_faithfully(name: str) -> None:
    """The same holds with `with` rewritten too, at the top of modules and classes as in functions."""
    program = {**PROGRAMS, **SYNC_PROGRAMS}[name]
    with testing.recorder(sync=True):
        rewritten = run(program, lambda source: rewriter.rewrite(source.encode(), "program.py", sync=True))
    assert rewritten == run(program, as_it_is)


@pytest.mark.parametrize("name", PROGRAMS)
def test_rewritten_code_runs_on_when_nothing_is_recorded(name: str) -> None:
    """After uninstall the rewritten modules stay; they behave as before and leave no record."""
    program = PROGRAMS[name]
    with testing.recorder() as recorder:
        pass
    rewritten = run(program, lambda source: rewriter.rewrite(source.encode(), "program.py"))
    assert rewritten == run(program, as_it_is)
    assert recorder.lifecycles() == []


def test_future_statements_and_docstrings_stay_first() -> None:
    """A module's docstring and its `from __future__` keep their meaning."""
    source = '''
"""The docstring."""
from __future__ import annotations
async def main(value: not_defined):
    async with value:
        pass
'''
    with testing.recorder() as recorder:
        module = recorder.load(source)
    assert (module.__doc__, module.main.__annotations__) == ("The docstring.", {"value": "not_defined"})


def test_a_syntax_error_is_the_sources_own() -> None:
    """What cannot be compiled fails with the same error as without rewriting."""
    source = "async def main():\n    async with a:\n        return 1 +\n"
    with pytest.raises(SyntaxError) as rewritten:
        rewriter.rewrite(source.encode(), "program.py")
    with pytest.raises(SyntaxError) as plain:
        compile(source, "program.py", "exec")
    assert (rewritten.value.args, str(rewritten.value)) == (plain.value.args, str(plain.value))


def test_source_in_another_encoding_keeps_its_texts() -> None:
    """The encoding that a file declares is honoured, in its strings as in the expressions of its sites."""
    source = '# coding: latin-1\nasync def main(m):\n    async with m["é"] as value:\n        return "é"\n'
    code = rewriter.rewrite(source.encode("latin-1"), "program.py")
    names: dict[str, Any] = {}
    exec(code, names)
    constants = [constant for constant in names["main"].__code__.co_consts if isinstance(constant, str)]
    assert "é" in constants
    assert any('m["é"]' in constant for constant in constants)


def test_every_line_of_rewritten_code_is_a_line_of_the_source() -> None:
    """Tracing by line, as coverage does, visits exactly the lines that it visits in the code as it is."""
    program = textwrap.dedent("""
        async def main():
            for i in range(2):
                async with Manager(i) as value:
                    if i:
                        say(value)
                        continue
                say("after")
            async with Manager(1), \\
                    Manager(2):
                return 1
    """)

    def lines(compiled: Callable[[str], Any]) -> list[int]:
        visited: list[int] = []

        def trace(frame: Any, event: str, _: object) -> Any:
            if frame.f_code.co_filename == "program.py" and event == "line":
                visited.append(frame.f_lineno)
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            run(program, compiled)
        finally:
            sys.settrace(before)
        return sorted(set(visited))

    with testing.recorder():
        rewritten = lines(lambda source: rewriter.rewrite(source.encode(), "program.py"))
    assert rewritten == lines(as_it_is)


def test_no_name_of_ours_is_left_in_a_module() -> None:
    """The namespace of a rewritten module holds what the program put there and nothing else."""
    with testing.recorder(sync=True) as recorder:
        module = recorder.load(MANAGERS + "\nwith Manager(1) as value: pass\n")
    assert [name for name in vars(module) if "tenure" in name] == []
