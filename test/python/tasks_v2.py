"""Durable tools for version 2 of the official SDK and for FastMCP 4: `tasks_v2.py URL`."""

import asyncio
import sys

import mcp.types as t
from answers import fill_in
from fastmcp import Client
from fastmcp.exceptions import ToolError
from mcp import Client as OfficialClient

url = sys.argv[1]
asked: list[str] = []


async def elicited(_context, params):
    asked.append(params.message)
    return t.ElicitResult(action="accept", content=fill_in(params.requested_schema))


async def answered(message, _response_type, params, _context):
    asked.append(message)
    return fill_in(params.requested_schema)


async def official(mode: str) -> None:
    asked.clear()
    async with OfficialClient(url, mode=mode, elicitation_callback=elicited) as client:
        result = await client.call_tool("confirm_delete", {"filename": "a"})
        assert result.content[0].text == "Deleted a", result
        both = await client.call_tool("multi_input", {})
        assert both.content[0].text == "accept accept", both
        assert sorted(asked) == ["Delete a?", "First?", "Second?"], asked


async def fastmcp() -> None:
    """Without the package fastmcp-tasks, whose requests lack the header `Mcp-Name` that the extension demands."""
    asked.clear()
    async with Client(url, elicitation_handler=answered) as client:
        result = await client.call_tool("confirm_delete", {"filename": "b"})
        assert result.content[0].text == "Deleted b", result
        both = await client.call_tool("multi_input", {})
        assert both.content[0].text == "accept accept", both
        assert sorted(asked) == ["Delete b?", "First?", "Second?"], asked
        try:
            await client.call_tool("failing_job", {})
            raise AssertionError("a failed job is an error")
        except ToolError as error:
            assert "The job failed" in str(error), error


async def main() -> None:
    for mode in ["legacy", "2026-07-28"]:
        await official(mode)
        print(f"python sdk 2, {mode}: durable tools")
    await fastmcp()
    print("fastmcp 4: durable tools")


asyncio.run(main())
