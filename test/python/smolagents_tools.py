"""smolagents, which makes a class of each tool and needs `properties` in each schema: `smolagents_tools.py URL`."""

import sys

from smolagents import ToolCollection

parameters = {"url": sys.argv[1], "transport": "streamable-http"}
with ToolCollection.from_mcp(parameters, trust_remote_code=True, structured_output=True) as found:
    tools = {tool.name: tool for tool in found.tools}
    assert "increment_counter" in tools, tools.keys()
    assert tools["increment_counter"].inputs == {}, tools["increment_counter"].inputs
    greeting = tools["greet"](name="Ada")
    assert "Hello, Ada!" in str(greeting), greeting
    weather = tools["get_weather"](city="Bern")
    assert "Bern" in str(weather), weather
    print(f"smolagents: {len(tools)} tools")
