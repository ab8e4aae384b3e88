"""What calls ``tenure.install()``: a file, which is recorded too, or something typed, of which the rest is recorded."""

from __future__ import annotations

from types import FrameType

from tenure._core.paths import FROZEN_DIR, is_own_frame
from tenure._rewriting import frozen, own_file, typed_code
from tenure._rewriting.module_filter import ModuleFilter

_AT_PROMPT = (
    "statements typed at this prompt are not rewritten, so only what adapters see is recorded"
    " (python -m asyncio, IPython and the prompt of Python 3.13 record them)"
)


def record(frame: FrameType | None, selection: ModuleFilter, *, sync: bool) -> str:
    """Record the code of the innermost frame that is not Tenure's, if the filter includes it.

    Returns:
        "", or a line for stderr: why its statements are not recorded, and what to do.
    """
    while frame is not None and is_own_frame(frame):
        frame = frame.f_back
    if frame is None:
        return ""
    if typed_code.is_typed(frame):
        if not selection.excludes("__main__"):
            typed_code.record_cell(frame, sync=sync)
        return ""
    if FROZEN_DIR:
        return frozen.problem()
    if not own_file.is_selected(frame, selection):
        return ""
    if typed_code.is_at_own_prompt(frame):
        return _AT_PROMPT
    problem = own_file.record_file(frame, sync=sync)
    return f"{problem}; its own statements are not recorded (start the program with `tenure run`)" if problem else ""
