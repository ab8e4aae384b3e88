"""An MCP client that starts the server and calls its tool twelve times at once."""

import asyncio
import os
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def main():
    server = StdioServerParameters(command=sys.executable, args=["mcp_server.py"], env=dict(os.environ))
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        results = await asyncio.gather(*(session.call_tool("show", {"item": item}) for item in range(12)))
    print(sorted(int(result.content[0].text) for result in results))


asyncio.run(main())
