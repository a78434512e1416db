"""FastMCP of PyPI."""

import asyncio
import os

from fastmcp import Context, FastMCP

server = FastMCP("examined")


@server.tool
def greet(name: str) -> str:
    return f"Hello, {name}!"


@server.tool
async def count(steps: int, ctx: Context) -> str:
    for step in range(1, steps + 1):
        await ctx.report_progress(step, steps)
        await asyncio.sleep(0.25)
    return "done"


server.run(transport="http", host="127.0.0.1", port=int(os.environ["PORT"]), show_banner=False)
