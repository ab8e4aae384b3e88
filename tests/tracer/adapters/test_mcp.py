"""mcp 2: a client's session and calls, a server's requests by their tools."""

import asyncio
import logging
from typing import Any

import pytest
from mcp.client.client import Client
from mcp.server.mcpserver import MCPServer

SECRET = "customer 4711"


def shop(hold: Any) -> MCPServer:
    server = MCPServer("shop")

    @server.tool()
    async def add(a: int, b: int) -> int:
        await hold()
        return a + b

    @server.tool()
    def fail(customer: str) -> str:
        raise ValueError("no stock")

    return server


async def hold() -> None:
    async with asyncio.timeout(9):
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def quiet(caplog) -> None:
    """The server logs the failures of its tools."""
    caplog.set_level(logging.CRITICAL)


async def use(server: MCPServer) -> list[bool]:
    """Whether each call was answered with an error."""
    async with Client(server) as client:
        results = [
            await client.call_tool("add", {"a": 1, "b": 2}),
            await client.call_tool("fail", {"customer": SECRET}),
            await client.call_tool(SECRET, {}),
        ]
    return [result.is_error for result in results]


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
