"""``tenure doctor`` on the demo program, compared with the program's own counts."""

import json
from collections import Counter
from pathlib import Path

from tests.tracer.support import programs

EXAMPLES = Path(__file__).parents[3] / "examples"

# What the shop calls what it enters, and the class of it.
TYPES = {
    "pool.acquire": "shop.pool.Pool.acquire()",
    "transaction": "shop.database.transaction()",
    "_lock": "asyncio.locks.Lock",
    "bank_slots": "asyncio.locks.Semaphore",
    "asyncio.timeout": "asyncio.timeouts.Timeout",
    "TaskGroup": "asyncio.taskgroups.TaskGroup",
    "ClientSession": "aiohttp.client.ClientSession",
    "self.session": "aiohttp.client._BaseRequestContextManager",
    "aiosqlite.connect": "aiosqlite.core.Connection",
    "connection.execute": "aiosqlite.context.Result",
    "request: ": "aiohttp.web_request.Request",
    "runner.setup": "aiohttp.web.Application",
}
MAY_FAIL = {"shop.pool.Pool.acquire()", "shop.database.transaction()", "aiohttp.client._BaseRequestContextManager"}
MAY_FAIL |= {"asyncio.locks.Lock", "asyncio.locks.Semaphore"}  # who waits may be cancelled
UNWRITTEN = {"aiohttp.connector.TCPConnector"}  # what the shop's code does not write: its client takes connections
BY_CALLS = {"aiosqlite.core.Connection"}  # by `await` too, which its adapter sees


def test_every_manager_that_the_demo_program_enters_is_listed(tmp_path: Path) -> None:
    """What its own code enters is recorded, all of it; what aiohttp enters is recorded or left out with the reason."""
    report_file, count_file = tmp_path / "report.json", tmp_path / "count.json"
    options = [
        "--json",
        "-o",
        str(report_file),
        "-m",
        "shop",
        "--seconds",
        "6",
        "--rate",
        "7",
        "--count",
        str(count_file),
    ]
    done = programs.tenure(EXAMPLES, "doctor", *options)
    assert (done.status, done.stderr) == (0, "")
    report = json.loads(report_file.read_text())

    counted: Counter[str] = Counter()
    for name, count in json.loads(count_file.read_text()).items():
        counted[next(kind for part, kind in TYPES.items() if part in name)] += count
    recorded = {entry["type"]: entry["how"] for entry in report["recorded"]}
    own = Counter({kind: how.get("rewritten", how.get("adapter", 0)) for kind, how in recorded.items()})
    own += Counter({kind: recorded[kind]["adapter"] for kind in BY_CALLS})
    assert set(own) == set(counted) | UNWRITTEN
    assert {kind: own[kind] for kind in own if kind not in MAY_FAIL | UNWRITTEN} == {
        kind: counted[kind] for kind in counted if kind not in MAY_FAIL
    }
    assert {kind: own[kind] - counted[kind] for kind in MAY_FAIL if own[kind] < counted[kind]} == {}
    assert sum(sum(how.values()) for how in recorded.values()) == report["lifecycles"]
    assert (report["dropped"], report["faults"]) == ({}, [])

    assert {(entry["type"], entry["reason"]) for entry in report["missed"]} == set()
    assert {(entry["type"], entry["reason"]) for entry in report["left_out"]} == {
        (
            "aiohttp.client_reqrep.ClientResponse",
            "it is entered within the __aenter__ of aiohttp.client._BaseRequestContextManager, which is recorded",
        ),
        ("asyncio.timeouts.Timeout", "its adapter leaves it out"),
    }
    assert {(entry["name"], entry["sites"], entry["reason"]) for entry in report["modules"]} == {
        ("shop.bank", 4, ""),
        ("shop.bookkeeper", 2, ""),
        ("shop.customers", 4, ""),
        ("shop.orders", 5, ""),
        ("shop.stock", 9, ""),
    }
