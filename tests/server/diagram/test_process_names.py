"""What the columns of a diagram say of their processes: one name everywhere, and what has ended."""

from __future__ import annotations

from tests.golden.diagram.scenario import DATABASE, Scenario

from tenure_server.diagram import draw
from tenure_server.diagram.steps import Create, Declare, Participant
from tenure_server.model.labels import process_label
from tenure_server.model.lens import Lens
from tenure_server.model.records import Process


def process(scenario: Scenario, pid: int, *, alive: bool = True) -> Process:
    name = process_label(scenario.service, pid)
    return Process(scenario.process, scenario.service, "host", pid, "3.11.7", 0, 0, alive, {}, 0, name)


def participants(scenarios: list[Scenario], processes: list[Process]) -> list[Participant]:
    lifecycles = [lifecycle for scenario in scenarios for lifecycle in scenario.lifecycles]
    tasks = {task.id: task for scenario in scenarios for task in scenario.tasks.values()}
    steps = draw(lifecycles, tasks, Lens(), 0, processes={item.id: item for item in processes})
    return [step.participant for step in steps if isinstance(step, Declare | Create)]


def labels(scenarios: list[Scenario], pids: list[int]) -> list[str]:
    processes = [process(scenario, pid) for scenario, pid in zip(scenarios, pids, strict=True)]
    return [participant.label for participant in participants(scenarios, processes)]


def one_use(process_id: str, service: str = "shop") -> Scenario:
    s = Scenario(process_id, service)
    s.use(s.task("main"), s.resource(DATABASE), (0, 1, 2, 3))
    return s


def test_the_columns_of_two_workers_have_their_pids() -> None:
    """The name of a process is that of the lists, of the API and of the title."""
    two = [one_use("a1"), one_use("b2")]
    assert labels(two, [28277, 28278]) == [
        "main @ shop #28277",
        "AsyncDatabaseConnection @ shop #28277",
        "main @ shop #28278",
        "AsyncDatabaseConnection @ shop #28278",
    ]
    assert labels([one_use("a1"), one_use("b2", "mail")], [7, 0])[1:3] == [
        "AsyncDatabaseConnection @ shop #7",
        "main @ mail",
    ]


def test_two_processes_of_one_name_are_told_apart() -> None:
    """A pid may be used again, and is the same on two hosts; the id is not."""
    assert labels([one_use("a1"), one_use("b2")], [7, 7])[::2] == ["main @ shop #7 a1a1", "main @ shop #7 b2b2"]


def test_one_process_needs_no_name() -> None:
    """The title has it."""
    assert labels([one_use("a1")], [7]) == ["main", "AsyncDatabaseConnection"]


def test_what_has_ended_is_marked() -> None:
    """Tasks that finished, and all of a process that has ended while another one runs."""
    s = Scenario()
    main = s.task("main")
    s.use(s.task("worker-1", by=main, created=0, finished=5), s.resource(DATABASE), (1, 2, 3, 4))
    assert [(item.label, item.ended) for item in participants([s], [process(s, 7)])] == [
        ("main", False),
        ("worker-1", True),
        ("AsyncDatabaseConnection", False),
    ]
    two = [one_use("a1"), one_use("b2")]
    ended = [process(two[0], 7, alive=False), process(two[1], 8)]
    assert [item.ended for item in participants(two, ended)] == [True, True, False, False]
    both = [process(two[0], 7, alive=False), process(two[1], 8, alive=False)]
    assert not any(item.ended for item in participants(two, both))
