"""Version 2 of the official Python SDK, in the mode it is told: `client_v2.py URL legacy|auto|2026-07-28`."""

import asyncio
import sys

import mcp.types as t
from answers import ARGUMENTS, CALLS, KINDS, LOGS, PROGRESS, ROOT, WATCHED, fill_in
from mcp import Client, MCPError

url, mode = sys.argv[1:]
logs: list = []


async def elicited(_context, params):
    return t.ElicitResult(action="accept", content=fill_in(params.requested_schema))


async def sampled(_context, _params):
    return t.CreateMessageResult(role="assistant", content=t.TextContent(text="sampled"), model="none")


async def rooted(_context):
    return t.ListRootsResult(roots=[t.Root(uri=ROOT)])


async def logged(params):
    logs.append(params.data)


async def check(client: Client) -> None:
    expected = "2025-11-25" if mode == "legacy" else "2026-07-28"
    assert client.protocol_version == expected, client.protocol_version

    tools = {tool.name for tool in (await client.list_tools()).tools}
    assert tools >= {name for name, _ in CALLS} | KINDS.keys(), tools
    for name, words in CALLS:
        told = []

        async def progressed(progress, _total, _message):
            told.append(progress)

        logs.clear()
        arguments = ARGUMENTS.get(name, {})
        result = await client.call_tool(name, arguments, progress_callback=progressed)
        assert not result.is_error and words in result.content[0].text, (name, result)
        assert told == (PROGRESS if name == "test_tool_with_progress" else []), (name, told)
        if name == "test_tool_with_logging":
            assert logs == LOGS, logs
    for name, kinds in KINDS.items():
        result = await client.call_tool(name, {})
        assert [block.type for block in result.content] == kinds, result

    failed = await client.call_tool("test_error_handling", {})
    assert failed.is_error, failed
    try:
        await client.call_tool("no_such_tool", {})
        raise AssertionError("an unknown tool is not a result (B59)")
    except MCPError as error:
        assert error.error.code == -32602, error

    prompt = await client.get_prompt("test_prompt_with_arguments", {"arg1": "a", "arg2": "b"})
    assert "arg1='a'" in prompt.messages[0].content.text, prompt
    reference = t.PromptReference(name="test_prompt_with_arguments")
    completed = await client.complete(reference, {"name": "arg1", "value": "par"})
    assert completed.completion.values == ["paris", "park", "party"], completed
    assert WATCHED in {str(one.uri) for one in (await client.list_resources()).resources}
    read = await client.read_resource("test://template/7/data")
    assert '"id":"7"' in read.contents[0].text, read

    if mode == "legacy":
        await client.set_logging_level("error")
        await client.subscribe_resource(WATCHED)
        await client.send_ping()
    else:
        async with client.listen(tools_list_changed=True, resource_subscriptions=[WATCHED]) as changes:
            assert changes.honored.tools_list_changed, changes.honored
            await client.call_tool("test_trigger_tool_change", {})
            async for event in changes:
                assert type(event).__name__ == "ToolsListChanged", event
                break


async def main() -> None:
    async with Client(
        url,
        mode=mode,
        elicitation_callback=elicited,
        sampling_callback=sampled,
        list_roots_callback=rooted,
        logging_callback=logged,
        log_level="debug",
        read_timeout_seconds=30,
    ) as client:
        await check(client)
        print(f"python sdk 2, {mode}: {client.protocol_version}, {len(CALLS) + len(KINDS)} tools")


asyncio.run(main())
