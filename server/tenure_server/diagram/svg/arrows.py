"""What stands at the end of an arrow, and at the end of a lifeline."""

from __future__ import annotations

from tenure_server.diagram.steps import Message
from tenure_server.diagram.svg import sizes
from tenure_server.diagram.svg.elements import element, number, path
from tenure_server.model.records import Outcome


def arrow_end(step: Message, x: float, y: float, direction: int) -> str:
    """The head of ">>" is filled, of ")" open; "x" is a cross, after a cancellation a barred circle.

    ``direction`` is 1 for an arrow to the right and -1 for one to the left.
    """
    if step.arrow.endswith("x"):
        middle = x - direction * sizes.END_MARK
        return _barred(middle, y, sizes.BARRED) if step.outcome == "cancelled" else _cross(middle, y, sizes.CROSS)
    back, half = number(x - direction * sizes.ARROWHEAD), sizes.ARROWHEAD_HALF
    d = f"M{back},{number(y - half)}L{number(x)},{number(y)}L{back},{number(y + half)}"
    return path("end hollow", d) if step.arrow.endswith(")") else path("end", f"{d}z")


def lifeline_end(x: float, y: float, outcome: Outcome | None) -> str:
    """A foot; a cross if the task failed, a barred circle if it was cancelled."""
    if outcome == "error":
        return _cross(x, y, sizes.END_CROSS)
    if outcome == "cancelled":
        return _barred(x, y, sizes.END_BARRED)
    width, height = sizes.FOOT_WIDTH, sizes.FOOT_HEIGHT
    box = {"x": x - width / 2, "y": y - height / 2, "width": width, "height": height, "rx": height / 2}
    return element("rect", {"class": "foot", **box})


def _cross(x: float, y: float, r: float) -> str:
    left, right, top, bottom = map(number, (x - r, x + r, y - r, y + r))
    return path("end hollow", f"M{left},{top}L{right},{bottom}M{left},{bottom}L{right},{top}")


def _barred(x: float, y: float, r: float) -> str:
    d = r * 0.7  # about cos 45°
    circle = f"M{number(x - r)},{number(y)}a{r},{r} 0 1 0 {2 * r},0a{r},{r} 0 1 0 {-2 * r},0"
    return path("end barred", f"{circle}M{number(x - d)},{number(y + d)}L{number(x + d)},{number(y - d)}")
