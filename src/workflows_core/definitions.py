"""Workflow definitions: what the author wrote, as a frozen value."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeAlias, cast, runtime_checkable

from attrs import field, fields, frozen

from workflows_core.assembly import Assembled, as_many, assemble
from workflows_core.data import JsonObject
from workflows_core.edges import Condition, Edge, StepReference
from workflows_core.groups import Group
from workflows_core.policies import Policies
from workflows_core.steps import Step

if TYPE_CHECKING:
    from workflows_core.graph import Graph

__all__ = ["Condition", "Edge", "StepReference", "Steps", "Workflow", "WorkflowClass", "WorkflowDefinition"]

Entry: TypeAlias = Step | type[Step] | Group
Steps: TypeAlias = Mapping[str, Entry] | Sequence[Entry]
"""Steps by name, or one after the other. (Any iterable will do; but as a type it would take in the mapping.)"""


def _steps(steps: Steps) -> Mapping[str, Step]:
    """Let the parts through as they were written: they can only be brought together all at once."""
    return cast("Mapping[str, Step]", steps)


def _edges(edges: Iterable[Edge]) -> tuple[Edge, ...]:
    return cast("tuple[Edge, ...]", edges)


def _step(reference: StepReference) -> str:
    return cast("str", reference)


def _references(references: Iterable[StepReference] | StepReference) -> tuple[str, ...]:
    return cast("tuple[str, ...]", references)


def _words(words: Iterable[str] | str) -> tuple[str, ...]:
    return as_many(words)


@frozen(kw_only=True, eq=False)
class WorkflowDefinition:
    """A workflow: its steps, the edges between them, where it begins and where it may end.

    Nothing is checked here; `validation.validate` reports everything that is wrong at once, and
    registering a definition asks it. The dicts, lists and sets that come in are frozen, and groups are
    written as the steps and edges they stand for (see `assembly`).

    Attributes:
        name: The workflow's name.
        version: Its version, such as `"1.0.0"`; instances are pinned to it.
        description: What it is for.
        steps: Step name to step.
        edges: The ways between them, in the order written; those of groups and the branches of parallel
            gateways come last.
        initial_step: Where a new instance begins.
        terminal_steps: Where it may end.
        input_schema: JSON Schema of the data an instance is started with; `None` accepts any object.
        tags: Free words to find it by.
        policies: Who may do what; `None` for the roles and rules that hold everywhere.
        searchable: Paths in the data that its instances can be found by, such as `"customer.id"`: keys of objects,
            separated by dots. What is found there is text, a number, true, false or null.
    """

    name: str
    version: str = "1.0.0"
    description: str = ""
    steps: Mapping[str, Step] = field(converter=_steps)
    edges: tuple[Edge, ...] = field(converter=_edges, default=())
    initial_step: str = field(converter=_step)
    terminal_steps: tuple[str, ...] = field(converter=_references, default=())
    input_schema: JsonObject | None = None
    tags: tuple[str, ...] = field(converter=_words, default=())
    policies: Policies | None = None
    searchable: tuple[str, ...] = field(converter=_words, default=())

    def __attrs_post_init__(self) -> None:
        parts = assemble(self.steps, self.edges, self.initial_step, self.terminal_steps)
        for part in fields(Assembled):
            object.__setattr__(self, part.name, getattr(parts, part.name))

    @cached_property
    def graph(self) -> Graph:
        """What the machine asks of the shape: computed once per definition."""
        from workflows_core.graph import Graph  # noqa: PLC0415 - the graph is built from definitions

        return Graph.of(self)

    @cached_property
    def specification(self) -> JsonObject:
        """What it says, as plain JSON; see `specification.specify`."""
        from workflows_core.specification import specify  # noqa: PLC0415 - specifications are written of definitions

        return specify(self)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) of the specification: equal for definitions that say the same."""
        from workflows_core.specification import content_hash  # noqa: PLC0415 - likewise

        return content_hash(self.specification)


@runtime_checkable
class WorkflowClass(Protocol):
    """A class that carries a definition, as the guide writes it."""

    __workflow_name__: ClassVar[str]
    __workflow_version__: ClassVar[str]

    @classmethod
    def get_definition(cls) -> WorkflowDefinition:
        """Return the definition; equal in content at every call."""
        ...


class Workflow:
    """A base class that saves writing `get_definition`: put the parts in class attributes.

    `steps`, `edges`, `initial_step` and `terminal_steps` are those of `WorkflowDefinition`. Name and
    version come from `__workflow_name__` (by default the class's name) and `__workflow_version__`.
    """

    __workflow_name__: ClassVar[str]
    __workflow_version__: ClassVar[str] = "1.0.0"
    __workflow_description__: ClassVar[str] = ""

    steps: ClassVar[Steps] = ()
    edges: ClassVar[Iterable[Edge]] = ()
    initial_step: ClassVar[StepReference] = ""
    terminal_steps: ClassVar[Iterable[StepReference] | StepReference] = ()
    input_schema: ClassVar[JsonObject | None] = None
    tags: ClassVar[Iterable[str]] = ()
    policies: ClassVar[Policies | None] = None
    searchable: ClassVar[Iterable[str]] = ()

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        if "__workflow_name__" not in cls.__dict__:
            cls.__workflow_name__ = cls.__name__

    @classmethod
    def get_definition(cls) -> WorkflowDefinition:
        """Return the definition written in the class attributes."""
        return WorkflowDefinition(
            name=cls.__workflow_name__,
            version=cls.__workflow_version__,
            description=cls.__workflow_description__ or inspect.cleandoc(cls.__doc__ or ""),
            steps=cls.steps,
            edges=cls.edges,
            initial_step=cls.initial_step,
            terminal_steps=cls.terminal_steps,
            input_schema=cls.input_schema,
            tags=cls.tags,
            policies=cls.policies,
            searchable=cls.searchable,
        )
