"""What the person at the client answers, and what the fixtures then say: the same for both versions of the SDK."""

ROOT = "file:///home/python"


def fill_in(schema: dict) -> dict:
    """A form filled in with its defaults, its first choices, or something of the right type."""
    return {name: value_of(field) for name, field in schema.get("properties", {}).items()}


def value_of(field: dict):
    if "default" in field:
        return field["default"]
    if "enum" in field:
        return field["enum"][0]
    if "oneOf" in field:
        return field["oneOf"][0]["const"]
    if field["type"] == "array":
        items = field["items"]
        return [items["enum"][0] if "enum" in items else items["anyOf"][0]["const"]]
    if field["type"] == "boolean":
        return True
    return "me@example.com" if field["type"] == "string" else 1


# Each tool, and a part of its text.
CALLS = [
    ("test_simple_text", "This is a simple text response"),
    ("test_tool_with_progress", "executed successfully"),
    ("test_tool_with_logging", "executed successfully"),
    ("test_reconnection", "Reconnection test completed"),
    ("test_sampling", "LLM response: sampled"),
    ("test_elicitation", '"action":"accept"'),
    ("test_elicitation_sep1034_defaults", '"name":"John Doe"'),
    ("test_elicitation_sep1330_enums", "action=accept"),
    ("test_streaming_elicitation", "Answered: accept"),
    ("test_input_required_result_list_roots", ROOT),
    ("test_input_required_result_multiple_inputs", "sampled"),
    ("test_input_required_result_multi_round", '"action":"accept"'),
]
ARGUMENTS = {
    "test_sampling": {"prompt": "Say something"},
    "test_elicitation": {"message": "Who are you?"},
}
KINDS = {
    "test_image_content": ["image"],
    "test_audio_content": ["audio"],
    "test_embedded_resource": ["resource"],
    "test_multiple_content_types": ["text", "image", "resource"],
}
PROGRESS = [0, 50, 100]
LOGS = ["Tool execution started", "Tool processing data", "Tool execution completed"]
WATCHED = "test://watched-resource"
