"""An MCP server over stdio with one tool."""

import work
from mcp.server import MCPServer

server = MCPServer("shop")


@server.tool()
async def show(item: int) -> int:
    """Show an item."""
    await work.use()
    return item


if __name__ == "__main__":
    server.run()
