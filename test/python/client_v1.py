"""Version 1 of the official Python SDK, which speaks 2025: `client_v1.py URL`."""

import asyncio
import sys
from datetime import timedelta

import mcp.types as t
from answers import ARGUMENTS, CALLS, KINDS, LOGS, PROGRESS, ROOT, WATCHED, fill_in
from mcp import ClientSession, McpError
from mcp.client.streamable_http import streamablehttp_client

logs: list = []
changed = asyncio.Event()


async def elicited(_context, params):
    return t.ElicitResult(action="accept", content=fill_in(params.requestedSchema))


async def sampled(_context, _params):
    content = t.TextContent(type="text", text="sampled")
    return t.CreateMessageResult(role="assistant", content=content, model="none")


async def rooted(_context):
    return t.ListRootsResult(roots=[t.Root(uri=ROOT)])


async def logged(params):
    logs.append(params.data)


async def heard(message):
    if isinstance(getattr(message, "root", None), t.ToolListChangedNotification):
        changed.set()


async def check(session: ClientSession) -> None:
    tools = {tool.name for tool in (await session.list_tools()).tools}
    assert tools >= {name for name, _ in CALLS} | KINDS.keys(), tools
    for name, words in CALLS:
        told = []

        async def progressed(progress, _total, _message):
            told.append(progress)

        logs.clear()
        arguments = ARGUMENTS.get(name, {})
        result = await session.call_tool(name, arguments, progress_callback=progressed)
        assert not result.isError and words in result.content[0].text, (name, result)
        assert told == (PROGRESS if name == "test_tool_with_progress" else []), (name, told)
        if name == "test_tool_with_logging":
            assert logs == LOGS, logs
    for name, kinds in KINDS.items():
        result = await session.call_tool(name, {})
        assert [block.type for block in result.content] == kinds, result

    failed = await session.call_tool("test_error_handling", {})
    assert failed.isError, failed
    try:
        await session.call_tool("no_such_tool", {})
        raise AssertionError("an unknown tool is not a result (B59)")
    except McpError as error:
        assert error.error.code == -32602, error

    prompt = await session.get_prompt("test_prompt_with_arguments", {"arg1": "a", "arg2": "b"})
    assert "arg1='a'" in prompt.messages[0].content.text, prompt
    reference = t.PromptReference(type="ref/prompt", name="test_prompt_with_arguments")
    completed = await session.complete(reference, {"name": "arg1", "value": "par"})
    assert completed.completion.values == ["paris", "park", "party"], completed
    assert WATCHED in {str(one.uri) for one in (await session.list_resources()).resources}
    read = await session.read_resource("test://template/7/data")
    assert '"id":"7"' in read.contents[0].text, read

    await session.call_tool("test_trigger_tool_change", {})
    await asyncio.wait_for(changed.wait(), 30)
    await session.set_logging_level("error")
    await session.subscribe_resource(WATCHED)
    await session.send_ping()


async def main() -> None:
    async with streamablehttp_client(sys.argv[1]) as (read, write, _session_id):
        async with ClientSession(
            read,
            write,
            read_timeout_seconds=timedelta(seconds=30),
            elicitation_callback=elicited,
            sampling_callback=sampled,
            list_roots_callback=rooted,
            logging_callback=logged,
            message_handler=heard,
        ) as session:
            answer = await session.initialize()
            assert answer.protocolVersion == "2025-11-25", answer
            await check(session)
            print(f"python sdk 1: {answer.protocolVersion}, {len(CALLS) + len(KINDS)} tools")


asyncio.run(main())
