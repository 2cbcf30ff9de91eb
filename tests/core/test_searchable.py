"""What instances are found by in their data: what may be declared, what counts as the same, what changes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workflows import chain, review
from workflows_core import Workflow, WorkflowDefinition, validate
from workflows_core.data import diff, to_object
from workflows_core.searchable import changed_values, read_value, text_of
from workflows_core.specification import definition_from
from workflows_core.testing.strategies.data import json_objects

scalars = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
)
alike = st.sampled_from(
    [0, 0.0, -0.0, False, "0", "", None, "null", 1, 1.0, True, "true", 1e16, 10**16, 2**53 + 1, 2.0**53]
)


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON."""
    kinds = [float if type(each) is int else type(each) for each in (one, other)]
    return kinds[0] is kinds[1] and one == other


@given(alike | scalars, alike | scalars)
def test_two_values_have_one_text_if_and_only_if_they_are_the_same(one: Any, other: Any) -> None:
    assert (text_of(one) == text_of(other)) is same(one, other)
    assert len(text_of(one)) <= 255


@given(scalars)
def test_what_is_written_as_json_is_read_as_that(value: Any) -> None:
    assert same(read_value(json.dumps(value)), value)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_all_else_is_text(text: str) -> None:
    """Whatever is asked for can be compared, and stored; lists and objects are what they look like."""
    found = read_value(text)
    text_of(found).encode()
    if isinstance(found, str) and not text.strip().startswith('"'):
        assert found == text


@pytest.mark.parametrize(
    "text", ["NaN", "-Infinity", "[1]", '{"a": 1}', '"\\ud800"', "9" * 5000, "[" * 99_999, "007", "a b"]
)
def test_what_looks_like_json_and_is_none(text: str) -> None:
    assert read_value(text) == text


paths = st.lists(st.sampled_from(["a", "b", "a.a", "a.b", "b.a.b", "c"]), unique=True)


@given(json_objects(), json_objects(), paths)
def test_what_changed_is_told_and_nothing_else(before: Any, after: Any, paths: list[str]) -> None:
    """Told one after the other, changes lead to what is told of the whole."""
    known = dict(changed_values(paths, None, before))
    assert None not in known.values()
    told = changed_values(paths, before, after)
    assert all(known.get(path) != text for path, text in told)
    fresh = dict(changed_values(paths, None, after))
    assert {path: text for path, text in {**known, **dict(told)}.items() if text is not None} == fresh
    if not diff(before, to_object(after, what="it")[0], what="it"):
        assert told == ()


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b", "a\x00b", "x" * 201, 7, None])
def test_what_is_no_path_is_refused(path: Any) -> None:
    (problem,) = validate(chain(review(), searchable=["ok", path]))
    assert (problem.code, problem.path) == ("bad-option", "/searchable/1")
    assert "separated by dots" in problem.hint


def test_a_path_stands_there_once() -> None:
    (problem,) = validate(chain(review(), searchable=["a.b", "c", "a.b"]))
    assert (problem.path, problem.is_error) == ("/searchable/2", True)
    assert validate(chain(review(), searchable=["Größe in m²", "x" * 200, "a.b", "a"])) == ()


def test_it_is_part_of_what_a_definition_says() -> None:
    plain, found = chain(review()), chain(review(), searchable=["b", "a"])
    assert "searchable" not in plain.specification
    assert found.specification["searchable"] == ["b", "a"]
    assert found.content_hash != plain.content_hash
    assert definition_from(found.specification).content_hash == found.content_hash
    assert definition_from(plain.specification).searchable == ()


def test_a_workflow_class_says_it_likewise() -> None:
    class Order(Workflow):
        steps = (review(),)
        initial_step = "review"
        terminal_steps = "review"
        searchable = "customer"

    definition: WorkflowDefinition = Order.get_definition()
    assert definition.searchable == ("customer",)
