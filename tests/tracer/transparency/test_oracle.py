"""Random programs do the same when they are recorded, and the record is what an oracle derives."""

import gc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from tests.support.fuzzing import IN_THE_GATE, examples
from tests.tracer.transparency.oracle.program import Program
from tests.tracer.transparency.oracle.programs import programs
from tests.tracer.transparency.oracle.runs import run

pytestmark = pytest.mark.filterwarnings("ignore")  # what a program leaves behind unawaited is its own affair


@pytest.fixture(autouse=True)
def garbage() -> Iterator[None]:
    """What lies in cycles is collected here, where its last words are ignored."""
    yield
    gc.collect()


def compiles(program: Program) -> bool:
    try:
        compile(program.plain(), "program.py", "exec")
    except SyntaxError:
        return False
    return True


@pytest.mark.timeout(1_200)  # what it finds, it shrinks
@settings(max_examples=examples(100), deadline=None, derandomize=IN_THE_GATE)
@given(programs().filter(compiles))
def test_the_record_of_any_program_is_what_happened(program: Program) -> None:
    """Lifecycles at every flush, whole, and tasks; and nothing about the program is different."""
    runs = run(program)
    assert runs.observed == runs.plain  # else the oracle has changed what it looks at
    assert runs.recorded == runs.plain
    assert runs.record == runs.expected
