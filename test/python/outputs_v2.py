"""Version 2 of the official Python SDK checks each result against the listed schema: `outputs_v2.py URL MODE`."""

import asyncio
import json
import sys

from mcp import Client

url, mode = sys.argv[1:]


async def main() -> None:
    async with Client(url, mode=mode) as client:
        tools = (await client.list_tools()).tools
        for tool in tools:
            result = await client.call_tool(tool.name, {})
            assert not result.is_error, (tool.name, result)
            if tool.output_schema is None:
                continue
            value = json.loads(result.content[0].text)
            expected = [value, {"result": value}] if mode == "legacy" else [value]
            assert result.structured_content in expected, (tool.name, result)
        print(f"python sdk 2, {mode}: {len(tools)} output schemas")


asyncio.run(main())
