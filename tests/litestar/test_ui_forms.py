"""Forms: what is rendered from a schema and filled in comes back as the same data."""

from __future__ import annotations

from datetime import UTC, date
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar.datastructures import FormMultiDict

from workflows_core.data import Json, JsonObject
from workflows_core.forms import JsonSchemaValidator
from workflows_litestar.ui import forms
from workflows_litestar.ui.fields import FieldKind, form_of
from workflows_litestar.ui.texts import Texts
from workflows_litestar.ui.view import environment

Case = tuple[JsonObject, Json]
"""A schema, and data that fits it."""

NAMES = st.text("ab_/~ é.'\"<", min_size=1, max_size=4)
TITLES = st.text("ab <>&\"'é", max_size=6)
LINE = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)
LINES = st.lists(LINE, min_size=1, max_size=3).map("\n".join)
MOMENTS = st.datetimes(timezones=st.just(UTC)).map(
    lambda each: each.replace(microsecond=0, year=max(each.year, 1000)).isoformat().replace("+00:00", "Z")
)


def kind(schema: JsonObject, data: st.SearchStrategy[Any]) -> st.SearchStrategy[Case]:
    return st.tuples(TITLES.map(lambda title: {**schema, "title": title, "description": title}), data)


@st.composite
def choices(draw: st.DrawFn) -> Case:
    values: list[Json] = draw(st.lists(st.one_of(LINE, st.integers(-9, 9), st.booleans()), min_size=1, max_size=6, unique_by=repr))  # fmt: skip
    if draw(st.booleans()):
        return {"enum": values}, draw(st.sampled_from(values))
    return {"oneOf": [{"const": each, "title": draw(TITLES)} for each in values]}, draw(
        st.sampled_from(values)
    )


PLAIN: st.SearchStrategy[Case] = st.one_of(
    kind({"type": "string"}, LINE),
    kind({"type": "string", "format": "textarea"}, LINES),
    kind({"type": "string", "format": "email"}, st.just("a.b@example.com")),
    kind({"type": "string", "format": "date"}, st.dates(date(1900, 1, 1)).map(date.isoformat)),
    kind({"type": "string", "format": "date-time"}, MOMENTS),
    kind({"type": "integer"}, st.integers(-(2**63), 2**63 - 1)),
    kind(
        {"type": "number"}, st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**17), 10**17)
    ),
    kind({"type": "boolean"}, st.booleans()),
    kind({"anyOf": [{"type": "null"}, {"type": "object"}]}, st.sampled_from([None, {"a": [1, "é\n"]}, {}])),
    choices(),
)


def lists(cases: st.SearchStrategy[Case]) -> st.SearchStrategy[Case]:
    """Lists of what one case says, up to three times."""
    return st.tuples(cases, st.integers(1, 3)).map(
        lambda pair: ({"type": "array", "items": pair[0][0]}, [pair[0][1]] * pair[1])
    )


@st.composite
def objects(draw: st.DrawFn, cases: st.SearchStrategy[Case]) -> Case:
    members = draw(st.dictionaries(NAMES, cases, min_size=1, max_size=4))
    required = draw(st.lists(st.sampled_from(sorted(members)), unique=True))
    left_out = draw(st.sets(st.sampled_from(sorted(members)))) - set(required)
    data: JsonObject = {name: value for name, (_, value) in members.items() if name not in left_out}
    schema: JsonObject = {
        "type": "object",
        "properties": {name: schema for name, (schema, _) in members.items()},
        "required": [*required],
    }
    if not data:
        name = min(members)
        data[name] = members[name][1]
    return schema, data


CASES = objects(st.recursive(PLAIN, lambda inner: lists(inner) | objects(inner), max_leaves=5))


class Browser(HTMLParser):
    """What a browser sends of a form that nobody touches."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sent: list[tuple[str, str]] = []
        self._select = self._area = ""
        self._text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "input" and (found.get("type") != "radio" or "checked" in found):
            self.sent.append((found["name"], found.get("value", "")))
        elif tag == "select":
            self._select = found["name"]
        elif tag == "option" and "selected" in found:
            self.sent.append((self._select, found["value"]))
        elif tag == "textarea":
            self._area, self._text = found["name"], ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if (
            tag == "textarea"
        ):  # the first line break is not part of the text, and the others are sent as two characters
            text = self._text.replace("\r\n", "\n").removeprefix("\n")
            self.sent.append((self._area, text.replace("\n", "\r\n")))


def rendered(form: forms.Form) -> str:
    template = "{% from '_fields.html' import fields with context %}{{ fields(form) }}"
    return environment().from_string(template).render(form=form, t=Texts(), more_url="/more")


@given(CASES)
@settings(max_examples=100)
def test_a_form_that_is_rendered_and_sent_gives_the_same_data(case: Case) -> None:
    schema, data = case
    assert JsonSchemaValidator().problems(schema, data) == ()  # type: ignore[arg-type]  # an object it is

    sent = FormMultiDict(Browser(rendered(forms.empty(schema, data))).sent)
    form, entered = forms.submitted(schema, sent)

    assert entered.problems == ()
    assert entered.data == data
    again = Browser(rendered(form)).sent
    assert dict(again).items() >= {name: text for name, text in sent.multi_items() if text}.items()


@given(
    CASES,
    st.dictionaries(st.sampled_from(["data/a", "data/a/0", "data//", "data", "x"]), st.text(max_size=9)),
)
@settings(max_examples=60)
def test_whatever_is_sent_is_read_or_complained_about_and_shown_again(
    case: Case, sent: dict[str, str]
) -> None:
    form, entered = forms.submitted(case[0], FormMultiDict(sent))
    problems = forms.all_problems(JsonSchemaValidator(), case[0], entered)

    html = rendered(forms.Form(root=form.root, entries=form.entries, problems=forms.by_pointer(problems)))

    assert isinstance(entered.data, dict)
    assert html.count('class="summary"') == bool(problems)


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string", "maxLength": 1000}, FieldKind.TEXTAREA),
        ({"type": ["string", "null"]}, FieldKind.JSON),
        ({"type": "array"}, FieldKind.JSON),
        ({"type": "object"}, FieldKind.JSON),
        ({"const": 3}, FieldKind.CHOICE),
        ({"$ref": "#/$defs/when"}, FieldKind.DATE),
        ({"$ref": "#/$defs/loop"}, FieldKind.JSON),
        ({"$ref": "https://example.com/x"}, FieldKind.JSON),
        ({"oneOf": [{"type": "string"}]}, FieldKind.JSON),
        (True, FieldKind.JSON),
    ],
)
def test_what_is_beyond_the_kinds_of_fields_is_entered_as_json(schema: Json, kind: FieldKind) -> None:
    document: JsonObject = {
        "type": "object",
        "properties": {"a": schema},
        "$defs": {"when": {"type": "string", "format": "date"}, "loop": {"$ref": "#/$defs/loop"}},
    }

    assert [each.kind for each in form_of(document).fields] == [kind]


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ("integer", "1_000"), ("integer", "1.5"), ("integer", "x"), ("number", "1_0"), ("number", "inf"),
        ("number", "nan"), ("number", "1e999"), ("number", "12,5"), ("boolean", "maybe"), ("object", "{"),
        ("object", "[NaN]"), ("object", "[" * 100_000),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_complained_about_at_its_field(schema: str, text: str) -> None:
    document: JsonObject = {"type": "object", "properties": {"a": {"type": schema}}}

    form, entered = forms.submitted(document, FormMultiDict({"data/a": text}))

    assert [problem.pointer for problem in entered.problems] == ["/a"]
    assert form.entries == {"data/a": text}


def test_a_form_begins_with_its_defaults_and_a_draft_without() -> None:
    schema: JsonObject = {
        "type": "object",
        "properties": {
            "a": {"type": "integer", "default": 3},
            "b": {"type": "object", "properties": {"c": {"type": "string", "default": "x"}}},
        },
    }

    assert forms.empty(schema).entries == {"data/a": "3", "data/b/c": "x"}
    assert forms.empty(schema, {}).entries == {}


def test_a_moment_of_another_zone_is_shown_in_utc() -> None:
    schema: JsonObject = {"type": "object", "properties": {"at": {"type": "string", "format": "date-time"}}}

    form = forms.empty(schema, {"at": "2026-11-25T10:30:00+02:00"})

    assert form.entries == {"data/at": "2026-11-25T08:30:00"}
