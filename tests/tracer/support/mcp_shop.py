"""A server of MCP with tools that hold something and that fail, and a client that calls them."""

import asyncio
from typing import Any

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


async def use(server: MCPServer) -> list[bool]:
    """Whether each call was answered with an error."""
    async with Client(server) as client:
        results = [
            await client.call_tool("add", {"a": 1, "b": 2}),
            await client.call_tool("fail", {"customer": SECRET}),
            await client.call_tool(SECRET, {}),
        ]
    return [result.is_error for result in results]
