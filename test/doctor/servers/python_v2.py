"""The official Python SDK 2.x."""

import asyncio
import os

from mcp.server import MCPServer
from mcp.server.mcpserver import Context

server = MCPServer("examined")


@server.tool()
def greet(name: str) -> str:
    return f"Hello, {name}!"


@server.tool()
async def count(steps: int, ctx: Context) -> str:
    for step in range(1, steps + 1):
        await ctx.report_progress(step, steps)
        await asyncio.sleep(0.25)
    return "done"


server.run(transport="streamable-http", host="127.0.0.1", port=int(os.environ["PORT"]))
