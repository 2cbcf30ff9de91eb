"""A form on a page: its fields, what stands in them, and what is wrong with that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from attrs import field, frozen

from workflows_litestar.ui import entries
from workflows_litestar.ui.fields import PREFIX, Field, FieldKind, form_of

if TYPE_CHECKING:
    from litestar.datastructures import FormMultiDict

    from workflows_core.data import Json, JsonObject
    from workflows_core.errors import FormProblem
    from workflows_core.ports import FormValidator


def id_of(name: str) -> str:
    """Return the id of a field on the page: no two names have the same, and none has blanks."""
    return "f-" + quote(name, safe="")


@frozen(kw_only=True)
class Form:
    """A form on a page.

    Attributes:
        root: Its fields.
        entries: Field name to what stands in it.
        problems: What is wrong, by the pointer to the field.
        is_free: Whether nothing is asked for: whoever wants may still add data.
    """

    root: Field
    entries: Mapping[str, str] = field(factory=dict)
    problems: Mapping[str, tuple[str, ...]] = field(factory=dict)
    is_free: bool = False

    def problems_of(self, asked: Field) -> tuple[str, ...]:
        """Return what is wrong with a field itself."""
        return self.problems.get(asked.pointer, ())

    @property
    def summary(self) -> list[tuple[str, str, str]]:
        """Everything that is wrong: the id of the field (empty if there is none on the page), its label, a sentence."""
        fields = {each.pointer: each for each in _all(self, self.root)}
        found = []
        for pointer, details in self.problems.items():
            named = fields.get(pointer)
            has_place = named is not None and named.path
            id_ = id_of(named.name) if named is not None and has_place else ""
            label = named.label if named is not None and named.label else pointer
            found += [(id_, label, detail) for detail in details]
        return found

    def items(self, asked: Field) -> list[Field]:
        """Return the items of a list, with an empty one to spare."""
        return entries.items_of(asked, self.entries)

    def text(self, asked: Field) -> str:
        """Return what stands in a field."""
        return self.entries.get(asked.name, "")


def empty(schema: JsonObject | None, data: Json = None) -> Form:
    """Return a form to be filled in: with its defaults, or with data that is there already."""
    root = form_of(schema)
    known = {} if schema is None and data is None else entries.shown(root, data)
    return Form(root=root, entries=known, is_free=schema is None)


def submitted(schema: JsonObject | None, sent: FormMultiDict) -> tuple[Form, entries.Entered]:
    """Return a form as it was sent, and the data in it."""
    root = form_of(schema)
    texts = {
        name: value
        for name, value in sent.multi_items()
        if isinstance(value, str) and name.startswith(PREFIX)
    }
    entered = entries.read(root, texts)
    form = Form(
        root=root, entries=texts, problems=by_pointer(entered.problems), is_free=schema is None
    )  # fmt: skip
    return form, entered


def all_problems(
    validator: FormValidator, schema: JsonObject | None, entered: entries.Entered
) -> tuple[FormProblem, ...]:
    """Return everything that is wrong: what could not be read, and what the schema says about the rest."""
    if schema is None:
        return entered.problems
    places = {problem.pointer for problem in entered.problems}
    others = validator.problems(schema, entered.data)
    return (*entered.problems, *(problem for problem in others if problem.pointer not in places))


def by_pointer(problems: Iterable[FormProblem]) -> dict[str, tuple[str, ...]]:
    """Sort problems by the place they are about."""
    found: dict[str, tuple[str, ...]] = {}
    for problem in problems:
        found[problem.pointer] = (*found.get(problem.pointer, ()), _said(problem))
    return found


def _said(problem: FormProblem) -> str:
    """Return a sentence that stands beside its field, and need not name it."""
    return "This is required." if problem.detail.endswith("' is required.") else problem.detail


def _all(form: Form, root: Field) -> Iterable[Field]:
    yield root
    for each in root.fields:
        yield from _all(form, each)
    if root.kind is FieldKind.LIST:
        for item in form.items(root):
            yield from _all(form, item)
