"""Version 1 of the official Python SDK checks each result against the listed schema: `outputs_v1.py URL`."""

import asyncio
import json
import sys

from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client


async def main() -> None:
    async with streamablehttp_client(sys.argv[1]) as (read, write, _session_id):
        async with ClientSession(read, write) as session:
            await session.initialize()
            tools = (await session.list_tools()).tools
            for tool in tools:
                result = await session.call_tool(tool.name, {})
                assert not result.isError, (tool.name, result)
                if tool.outputSchema is None:
                    continue
                value = json.loads(result.content[0].text)
                expected = [value, {"result": value}]
                assert result.structuredContent in expected, (tool.name, result)
            print(f"python sdk 1: {len(tools)} output schemas")


asyncio.run(main())
