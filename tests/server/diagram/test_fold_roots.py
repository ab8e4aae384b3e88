"""Equal tasks that no task in the diagram created are folded where that is asked for."""

from __future__ import annotations

from tests.golden.diagram.scenario import BEGIN_NS, Scenario

from tenure_server.diagram import draw, mermaid
from tenure_server.diagram.steps import Begin, Step
from tenure_server.model.lens import Lens


def requests(scenario: Scenario, count: int) -> None:
    pool = scenario.resource("asyncpg.pool.Pool", "orders", 1)
    for number in range(count):
        task = scenario.task(f"GET /orders-{number}", created=number * 10, finished=number * 10 + 9)
        request = scenario.use(
            task, scenario.resource("Request"), (number * 10, number * 10, number * 10 + 8, number * 10 + 8)
        )
        start = number * 10 + 1
        scenario.use(task, pool, (start, start, start + 4, start + 4), inside=request)


def folded(scenario: Scenario) -> list[Step]:
    return draw(scenario.lifecycles, scenario.tasks, Lens(), BEGIN_NS, fold_roots=True)


def labels(steps: list[Step]) -> list[tuple[str, int]]:
    return [(step.label, step.lifecycles) for step in steps if isinstance(step, Begin)]


def test_equal_roots_become_a_par() -> None:
    """One request is drawn for all, where it began, with the time that they took."""
    s = Scenario()
    requests(s, 5)
    steps = folded(s)
    assert labels(steps) == [("5 x GET /orders (each p50 8 ms, p95 8 ms)", 10)]
    assert mermaid(steps).count("__aenter__()") == 2
    assert labels(s.draw()) == []


def test_roots_that_differ_or_go_on_are_drawn_by_themselves() -> None:
    """A failure, another line, something that is still held: none of them hides behind the others."""
    s = Scenario()
    requests(s, 4)
    pool = s.resource("asyncpg.pool.Pool", "other", 1)
    failing, open_one = s.task("GET /orders-7", created=70), s.task("GET /orders-8", created=80)
    s.use(failing, pool, (70, 71, 72, 73), body="ValueError: no stock")
    s.use(open_one, pool, (80, 81, None, None))
    steps = folded(s)
    assert labels(steps) == [("4 x GET /orders (each p50 8 ms, p95 8 ms)", 8)]
    text = mermaid(steps)
    assert "ValueError" in text
    assert "still held" in text


def test_two_are_no_repetition() -> None:
    """As with all folds, three are the least."""
    s = Scenario()
    requests(s, 2)
    assert folded(s) == s.draw()
