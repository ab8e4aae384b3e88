"""mcp 2: a client's session and calls, a server's requests by their tools."""

import asyncio
import logging

import pytest
from tests.tracer.support.mcp_shop import SECRET, hold, shop, use


@pytest.fixture(autouse=True)
def quiet(caplog) -> None:
    """The server logs the failures of its tools."""
    caplog.set_level(logging.CRITICAL)


def units(recorder) -> list[str]:
    lines = [line.partition(": ")[2] for line in recorder.lines()]
    return [line for line in lines if line.startswith("mcp.") and "tools/list" not in line and "discover" not in line]


def test_calls_are_named_by_their_tools(recorder, rewritten) -> None:
    """At both ends; the server takes no name from a client that none of its tools has."""
    assert asyncio.run(use(shop(rewritten(hold)))) == [False, True, True]
    assert [line for line in units(recorder) if "ToolCall" not in line and "Client" not in line] == [
        "mcp.Tool add, ok ok ok",
        "mcp.Tool fail, ok error(ValueError) goes on",
        "mcp.Request tools/call, ok error(RequestFailed) goes on",
    ]
    assert [line for line in units(recorder) if "ToolCall" in line] == [
        "mcp.ToolCall add, ok ok ok",
        "mcp.ToolCall fail, ok error(CallFailed) goes on",
        f"mcp.ToolCall {SECRET}, ok error(CallFailed) goes on",
    ]
    assert [line for line in units(recorder) if "ClientSession" in line] == ["mcp.ClientSession, ok ok ok"]


def test_a_tool_is_a_root_with_what_it_holds(recorder, rewritten) -> None:
    """It stands at its function, the call at the line that calls."""
    asyncio.run(use(shop(rewritten(hold))))
    tree = recorder.tree()
    place = tree.index(next(line for line in tree if line.endswith(": Tool add")))
    assert not tree[place].startswith(" ")
    assert tree[place + 1].startswith("  ")
    assert tree[place + 1].endswith("timeout 9 s")
    pairs = zip(recorder.resources(), recorder.sites(), strict=True)
    sites = {resource.kind: site.function.rpartition(".")[2] for resource, site in pairs if resource.name == "add"}
    assert sites == {"mcp.Tool": "add", "mcp.ToolCall": "use"}
