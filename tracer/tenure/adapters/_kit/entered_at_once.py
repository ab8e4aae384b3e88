"""Whether the value of a call is entered by the statement that it stands in: ``async with ClientSession() as session``.

This reads the instructions behind the call. It is asked once for each instruction.
"""

from __future__ import annotations

from opcode import opmap, opname
from types import CodeType

_UNIT = 2  # bytes of an instruction
_MOST = 24  # instructions between a manager's call and the local of its record
_CACHE, _EXTENDED = opmap["CACHE"], opmap["EXTENDED_ARG"]
_ENTRIES = frozenset({"BEFORE_ASYNC_WITH", "BEFORE_WITH"})  # until 3.13
_LOOK_UP = "LOAD_SPECIAL"  # from 3.14, behind a COPY
_CALLS = frozenset({"CALL", "CALL_KW", "CALL_FUNCTION_EX"})
_BETWEEN = frozenset({"PRECALL", "KW_NAMES", "LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_FAST_BORROW"})
_RECORD = "@tenure_record"  # the local of rewritten code


def is_entered(code: CodeType, offset: int) -> bool:
    """Whether the call at this byte offset makes what its statement enters, in code that was rewritten or not."""
    instructions = _after(code.co_code, offset)
    if not instructions:
        return False
    names = [opname[operation] for operation, _ in instructions]
    if names[0] in _ENTRIES or names[:2] == ["COPY", _LOOK_UP]:
        return True
    calls = 0
    for name, (_, argument) in zip(names, instructions, strict=True):
        if name.startswith("STORE_FAST"):
            local = argument if name == "STORE_FAST" else argument >> 4  # a superinstruction has two
            return calls == 1 and local < len(code.co_varnames) and code.co_varnames[local].startswith(_RECORD)
        calls += name in _CALLS
        if name not in _CALLS and name not in _BETWEEN:
            return False
    return False


def _after(bytecode: bytes, offset: int) -> list[tuple[int, int]]:
    """The operations behind this offset with their arguments."""
    instructions = []
    extended = 0
    end = min(offset + _UNIT * (_MOST + 1), len(bytecode))
    for place in range(offset + _UNIT, end, _UNIT):
        operation, argument = bytecode[place], bytecode[place + 1] | extended << 8
        extended = argument if operation == _EXTENDED else 0
        if operation not in (_CACHE, _EXTENDED):
            instructions.append((operation, argument))
    return instructions
