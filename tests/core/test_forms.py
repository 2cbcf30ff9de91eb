"""Forms: what people submit is checked, what is wrong is said beside each field, and no schema can do harm."""

import socket
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows_core.data import MAX_DEPTH, JsonObject
from workflows_core.errors import FormProblem
from workflows_core.forms import JSON_SCHEMA, MAX_PROBLEMS, MAX_SCHEMA_BYTES
from workflows_core.testing.strategies import json_objects

LEAVE: JsonObject = {
    "type": "object",
    "properties": {
        "approved": {"type": "boolean"},
        "days": {"type": "integer", "minimum": 1, "maximum": 30},
        "until": {"type": "string", "format": "date"},
        "reason": {"type": "string", "minLength": 3, "maxLength": 10},
        "kind": {"enum": ["holiday", "illness"]},
        "deputies": {"type": "array", "items": {"$ref": "#/$defs/person"}, "maxItems": 2},
    },
    "required": ["approved"],
    "additionalProperties": False,
    "$defs": {"person": {"type": "object", "properties": {"e-mail": {"type": "string", "format": "email"}}, "required": ["e-mail"]}},
}  # fmt: skip


def complaints(schema: Any, data: JsonObject) -> list[tuple[str, str]]:
    return [(problem.pointer, problem.detail) for problem in JSON_SCHEMA.problems(schema, data)]


def of(schema: Any, value: Any) -> list[str]:
    """What is said about one field."""
    found = complaints({"properties": {"x": schema}}, {"x": value})
    assert all(pointer.startswith("/x") for pointer, _ in found)
    return [detail for _, detail in found]


# What is submitted


def test_what_fits_has_no_problems() -> None:
    assert (
        JSON_SCHEMA.problems(LEAVE, {"approved": True, "days": 3, "until": "2026-12-24", "kind": "holiday"})
        == ()
    )


def test_every_problem_is_reported_beside_its_field() -> None:
    data: JsonObject = {
        "days": 31,
        "until": "tomorrow",
        "reason": "x",
        "kind": "fun",
        "deputies": [{"e-mail": "ann@example.com"}, {"e-mail": "nobody"}, {}],
        "salary": 1,
    }

    assert JSON_SCHEMA.problems(LEAVE, data) == (
        FormProblem("/approved", "'approved' is required."),
        FormProblem("/days", "Must be at most 30."),
        FormProblem("/deputies", "Must have at most 2 items."),
        FormProblem("/deputies/1/e-mail", "Must be an e-mail address."),
        FormProblem("/deputies/2/e-mail", "'e-mail' is required."),
        FormProblem("/kind", "Must be one of: 'holiday', 'illness'."),
        FormProblem("/reason", "Must have at least 3 characters."),
        FormProblem("/salary", "'salary' is not expected here."),
        FormProblem("/until", "Must be a date such as 2026-11-24."),
    )


@pytest.mark.parametrize(
    ("schema", "value", "detail"),
    [
        ({"type": "integer"}, "3", "Must be a whole number."),
        ({"type": "integer"}, 3.5, "Must be a whole number."),
        ({"type": "boolean"}, 1, "Must be true or false."),
        ({"type": ["string", "null"]}, 1, "Must be null or text."),
        ({"const": 3}, 4, "Must be 3."),
        ({"pattern": "^[A-Z]+$"}, "abc", "Must match the pattern '^[A-Z]+$'."),
        ({"multipleOf": 0.5}, 0.7, "Must be a multiple of 0.5."),
        ({"exclusiveMinimum": 0}, 0, "Must be more than 0."),
        ({"exclusiveMaximum": 0}, 0, "Must be less than 0."),
        ({"minItems": 1}, [], "Must have at least 1 item."),
        ({"uniqueItems": True}, [1, 1], "Must not hold the same item twice."),
        ({"minProperties": 2}, {"a": 1}, "Must have at least 2 fields."),
        ({"not": {"type": "null"}}, None, "Has a value that is not allowed."),
        (False, 1, "Is not expected here."),
        ({"oneOf": [{"minimum": 1}, {"minimum": 2}]}, 3, "Must fit exactly one of the forms that are allowed here, and fits several."),
        ({"anyOf": [{"type": "string", "minLength": 3}, {"type": "null"}]}, "x", "Must have at least 3 characters."),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 1, "Must be text or null."),
        ({"format": "uuid"}, "x", "Must be a UUID."),
    ],
    ids=str,
)  # fmt: skip
def test_problems_are_said_in_words(schema: Any, value: Any, detail: str) -> None:
    assert of(schema, value) == [detail]


def test_pointers_are_escaped() -> None:
    schema = {"properties": {"a/b": {"properties": {"~": {"items": {"type": "null"}}}}}}

    assert [pointer for pointer, _ in complaints(schema, {"a/b": {"~": [None, 1]}})] == ["/a~1b/~0/1"]


def test_long_values_are_cut_short() -> None:
    for schema, value in [
        ({"const": "x" * 5000}, "y"),
        ({"enum": ["x" * 5000]}, "y"),
        ({"pattern": "x" * 5000}, "y"),
    ]:
        (detail,) = of(schema, value)
        assert len(detail) < 200


def test_no_more_problems_are_reported_than_help() -> None:
    schema = {"properties": {"many": {"items": {"type": "null"}}}}
    problems = JSON_SCHEMA.problems(schema, {"many": [1] * 5000})

    assert len(problems) == MAX_PROBLEMS
    assert [problem.pointer for problem in problems[:2]] == ["/many/0", "/many/1"]


@given(json_objects(max_leaves=10))
def test_any_data_can_be_checked(data: JsonObject) -> None:
    """Problems come in the order of their pointers, each once, with a sentence."""
    problems = JSON_SCHEMA.problems(LEAVE, data)

    assert len(set(problems)) == len(problems)
    assert all(problem.detail.endswith(".") for problem in problems)
    assert all(problem.pointer.startswith("/") for problem in problems)
    fields = [problem.pointer.split("/")[1].replace("~1", "/").replace("~0", "~") for problem in problems]
    assert all(first <= second for first, second in pairwise(fields))


@given(json_objects())
def test_without_rules_everything_fits(data: JsonObject) -> None:
    assert JSON_SCHEMA.problems({}, data) == ()


def test_numbers_are_told_apart_as_json_does() -> None:
    assert of({"type": "integer"}, 3.0) == []  # JSON Schema calls it an integer
    assert of({"enum": [1]}, True)
    assert of({"const": 0}, False)


# Schemas that do harm


@pytest.fixture
def listener() -> Any:
    """A port where somebody would notice a call."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "{url}/x"},
        {"properties": {"a": {"items": {"$ref": "{url}/x#/y"}}}},
        {"$id": "{url}/y", "$ref": "other.json"},
        {"$schema": "{url}/schema"},
        {"allOf": [{"$ref": "{url}"}]},
        {"$dynamicRef": "{url}/x"},
        {"$schema": "http://json-schema.org/draft-04/schema#", "$ref": "{url}/x"},
    ],
    ids=str,
)
def test_no_schema_is_fetched_from_the_network(schema: Any, listener: socket.socket) -> None:
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    asking = _with_url(schema, url)
    complaint = JSON_SCHEMA.check_schema(asking)

    assert complaint is not None
    assert complaint.endswith(".")
    (problem,) = JSON_SCHEMA.problems(asking, {})
    assert problem.detail.startswith("The form itself cannot be used: ")


def _with_url(part: Any, url: str) -> Any:
    if isinstance(part, dict):
        return {key: _with_url(member, url) for key, member in part.items()}
    if isinstance(part, list):
        return [_with_url(member, url) for member in part]
    return part.replace("{url}", url) if isinstance(part, str) else part


def test_no_file_is_read(tmp_path: Path) -> None:
    """A file that would be a fine schema, so that reading it would be noticed."""
    secret = tmp_path / "schema.json"
    secret.write_text('{"type": "object"}', encoding="utf-8")
    for reference in (secret.as_uri(), str(secret), f"file:{secret}"):
        complaint = JSON_SCHEMA.check_schema({"$ref": reference})

        assert complaint is not None
        assert "never fetched" in complaint


def test_references_within_a_schema_are_followed() -> None:
    tree = {"$defs": {"tree": {"properties": {"left": {"$ref": "#/$defs/tree"}, "n": {"type": "integer"}}}}, "$ref": "#/$defs/tree"}  # fmt: skip

    assert complaints(tree, {"left": {"left": {"n": "x"}}}) == [("/left/left/n", "Must be a whole number.")]
    assert JSON_SCHEMA.check_schema({"$ref": "#/nowhere"}) == "Pointer '/nowhere' does not exist."


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {"not": {"$ref": "#"}},
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
    ],
    ids=str,
)
def test_a_schema_that_refers_to_itself_comes_to_an_end(schema: Any) -> None:
    assert JSON_SCHEMA.check_schema(schema) is None
    JSON_SCHEMA.problems(schema, {"a": 1})


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^(a|aa)+$", "^(.*a){20}$", "(x+x+)+y", "^([a-zA-Z]+)*$"])
def test_no_pattern_takes_for_ever(pattern: str) -> None:
    """With backtracking these would outlive the sun."""
    for text in ("a" * 50_000 + "!", "x" * 50_000, "a" * 30 + "\x01"):
        of({"type": "string", "pattern": pattern}, text)
        of({"patternProperties": {pattern: {"type": "null"}}}, {text: 1})


@pytest.mark.parametrize(
    "pattern",
    ["(a", "[", "(?=a)b", "(?<!a)b", r"(a)\1", "a{1000000000}", "((((a{100}){100}){100}){100}){100}", "*"],
)
def test_patterns_that_cannot_be_run_safely_are_refused(pattern: str) -> None:
    complaint = JSON_SCHEMA.check_schema({"properties": {"a": {"pattern": pattern}}})

    assert (
        complaint
        == "At /properties/a/pattern: Must be a regular expression without look-around and back-references."
    )
    assert JSON_SCHEMA.check_schema({"patternProperties": {pattern: {}}}) is not None


@pytest.mark.parametrize(
    ("schema", "complaint"),
    [
        ({"type": "numbr"}, "At /type: Must be one of: 'array', 'boolean', "),
        ({"properties": {"a": {"minimum": "1"}}}, "At /properties/a/minimum: Must be a number."),
        ({"required": "a"}, "At /required: Must be a list."),
        ({"properties": []}, "At /properties: Must be an object."),
        ({"a": {1, 2}}, "The schema contains a value of type set"),
        ({"maximum": float("nan")}, "nan"),
        ({3: {}}, "key of type int"),
        (5, "The schema must be an object, not int"),
        (None, "The schema must be an object, not NoneType"),
        ([], "The schema must be an object, not list"),
        ({"description": "x" * MAX_SCHEMA_BYTES}, f"more than the limit of {MAX_SCHEMA_BYTES}"),
    ],
    ids=range(11),
)
def test_what_is_no_schema_is_refused_in_one_sentence(schema: Any, complaint: str) -> None:
    said = JSON_SCHEMA.check_schema(schema)

    assert said is not None
    assert complaint in said
    assert said.endswith(".")
    assert len(said) < 300


def test_schemas_nest_so_deep_and_no_deeper() -> None:
    schema: Any = {}
    for _ in range(MAX_DEPTH):
        schema = {"not": schema}

    assert JSON_SCHEMA.check_schema(schema["not"]) is None
    assert f"deeper than {MAX_DEPTH}" in str(JSON_SCHEMA.check_schema(schema))


def test_schemas_are_taken_as_any_mapping() -> None:
    schema = MappingProxyType({"type": "object", "required": ("a",)})

    assert JSON_SCHEMA.check_schema(schema) is None
    assert complaints(schema, {}) == [("/a", "'a' is required.")]


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda part: st.lists(part, max_size=3) | st.dictionaries(
    st.sampled_from(["type", "properties", "items", "$ref", "allOf", "not", "enum", "minimum", "required", "pattern", "$id", "format"]), part, max_size=4)))  # fmt: skip
def test_whatever_is_given_as_a_schema_is_used_or_refused(schema: Any) -> None:
    said = JSON_SCHEMA.check_schema(schema)
    problems = JSON_SCHEMA.problems(schema, {"a": 1})

    if said is not None:
        assert [problem.detail for problem in problems] == [f"The form itself cannot be used: {said}"]
