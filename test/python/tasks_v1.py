"""The experimental tasks of 2025-11-25: version 1 of the official SDK, and FastMCP 3: `tasks_v1.py URL`."""

import asyncio
import sys

import mcp.types as t
from answers import fill_in
from fastmcp import Client
from fastmcp.exceptions import ToolError
from mcp import ClientSession, McpError
from mcp.client.streamable_http import streamablehttp_client

url = sys.argv[1]
asked: list[str] = []


async def elicited(_context, params):
    asked.append(params.message)
    return t.ElicitResult(action="accept", content=fill_in(params.requestedSchema))


async def official() -> None:
    async with streamablehttp_client(url) as (read, write, _session_id):
        async with ClientSession(read, write, elicitation_callback=elicited) as session:
            await session.initialize()
            tasks = session.experimental
            created = await tasks.call_tool_as_task("confirm_delete", {"filename": "a"})
            task_id = created.task.taskId
            async for status in tasks.poll_task(task_id):
                if status.status == "input_required":
                    break
            result = await tasks.get_task_result(task_id, t.CallToolResult)
            assert result.content[0].text == "Deleted a", result
            assert asked == ["Delete a?"], asked
            assert (await tasks.get_task(task_id)).status == "completed"

            waiting = (await tasks.call_tool_as_task("confirm_delete", {})).task.taskId
            assert (await tasks.cancel_task(waiting)).status == "cancelled"
            try:
                await tasks.cancel_task(waiting)
                raise AssertionError("a task that has ended is not cancelled again (B77)")
            except McpError as error:
                assert error.error.code == -32602, error


async def fastmcp() -> None:
    async with Client(url) as client:
        task = await client.call_tool("slow_compute", {"seconds": 1, "label": "x"}, task=True)
        assert not task.returned_immediately
        assert (await task.status()).status == "working"
        result = await task
        assert result.content[0].text == "Computed x in 1 seconds", result

        failing = await client.call_tool("failing_job", {}, task=True)
        try:
            await failing
            raise AssertionError("a failed job is an error")
        except ToolError as error:
            assert "The job failed" in str(error), error
        assert (await failing.status()).status == "failed"

        long = await client.call_tool("slow_compute", {"seconds": 60}, task=True)
        await long.cancel()
        assert (await long.status()).status == "cancelled"


async def main() -> None:
    await official()
    print("python sdk 1: experimental tasks")
    await fastmcp()
    print("fastmcp 3: experimental tasks")


asyncio.run(main())
