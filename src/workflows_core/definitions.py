"""Workflow definitions: what the author wrote, as a frozen value."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeAlias, cast, runtime_checkable

from attrs import field, frozen

from workflows_core.data import JsonObject
from workflows_core.steps import ParallelGateway, Step

if TYPE_CHECKING:
    from workflows_core.context import WorkflowContext
    from workflows_core.graph import Graph

Condition: TypeAlias = "Callable[[WorkflowContext], object] | str"
StepReference: TypeAlias = str | Step | type[Step]


def _step_name(reference: StepReference) -> str:
    return reference if isinstance(reference, str) else reference.name


@frozen
class Edge:
    """A way from one step to the next.

    Attributes:
        source: The step it leaves, by name, class or object.
        target: The step it leads to, likewise.
        condition: A callable of the context or an expression; `None` holds always.
        on: Which end of the step it belongs to: `None` any normal completion, the name of an
            outcome, `"error"`, or `"timeout"`.
        default: Taken when no conditional edge of the same step was.
    """

    source: str = field(converter=_step_name)
    target: str = field(converter=_step_name)
    condition: Condition | None = None
    on: str | None = None
    default: bool = False

    @property
    def is_conditional(self) -> bool:
        """Whether it may or may not be taken when its step ends in the way it belongs to."""
        return self.condition is not None

    @property
    def label(self) -> str:
        """What stands beside it in a picture; empty for a plain edge."""
        if self.condition is None:
            return self.on or ("otherwise" if self.default else "")
        text = (
            self.condition
            if isinstance(self.condition, str)
            else getattr(self.condition, "__name__", "condition")
        )
        text = "condition" if text == "<lambda>" else text
        return f"{self.on}: {text}" if self.on else text


def _freeze_steps(steps: Mapping[str, Step | type[Step]] | Iterable[Step | type[Step]]) -> Mapping[str, Step]:
    """Accept a mapping by name, or steps that know their names; make objects of classes.

    Two steps of one name in a list both stay visible to the validation: the later gets a key
    that no step can have.
    """
    if isinstance(steps, Mapping):
        named = [(name, _made(step)) for name, step in steps.items()]
    else:
        made = [_made(step) for step in steps]
        named = [(step.name, step) for step in made]
    frozen_steps: dict[str, Step] = {}
    for name, step in named:
        if not step.name:
            step.name = name
        frozen_steps[name if name not in frozen_steps else f"{name}\x00{len(frozen_steps)}"] = step
    return MappingProxyType(frozen_steps)


def _made(step: Step | type[Step]) -> Step:
    return step() if inspect.isclass(step) else step


def _as_tuple(items: Iterable[Edge]) -> tuple[Edge, ...]:
    return tuple(items)


def _words(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(words)


def _names(references: Iterable[StepReference]) -> tuple[str, ...]:
    """Keep the order of lists; sort sets, whose order means nothing and differs between runs."""
    names = map(_step_name, references)
    return tuple(sorted(names)) if isinstance(references, set | frozenset) else tuple(names)


@frozen(kw_only=True, eq=False)
class WorkflowDefinition:
    """A workflow: its steps, the edges between them, where it begins and where it may end.

    Nothing is checked here; `validation.validate` reports everything that is wrong at once, and
    registering a definition asks it. The dicts, lists and sets that come in are frozen.

    Attributes:
        name: The workflow's name.
        version: Its version, such as `"1.0.0"`; instances are pinned to it.
        description: What it is for.
        steps: Step name to step.
        edges: The ways between them, in the order written; branches of parallel gateways included.
        initial_step: Where a new instance begins.
        terminal_steps: Where it may end.
        input_schema: JSON Schema of the data an instance is started with; `None` accepts any object.
        tags: Free words to find it by.
    """

    name: str
    version: str = "1.0.0"
    description: str = ""
    steps: Mapping[str, Step] = field(converter=_freeze_steps)
    edges: tuple[Edge, ...] = field(converter=_as_tuple, default=())
    initial_step: str = field(converter=_step_name)
    terminal_steps: tuple[str, ...] = field(converter=_names, default=())
    input_schema: JsonObject | None = None
    tags: tuple[str, ...] = field(converter=_words, default=())

    def __attrs_post_init__(self) -> None:
        written = {(edge.source, edge.target) for edge in self.edges}
        implied = tuple(
            Edge(name, branch)
            for name, step in self.steps.items()
            if isinstance(step, ParallelGateway)
            for branch in step.branches
            if (name, branch) not in written
        )
        object.__setattr__(self, "edges", self.edges + implied)

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

    steps: ClassVar[Mapping[str, Step | type[Step]] | Iterable[Step | type[Step]]]
    edges: ClassVar[Iterable[Edge]] = ()
    initial_step: ClassVar[StepReference]
    terminal_steps: ClassVar[Iterable[StepReference]]
    input_schema: ClassVar[JsonObject | None] = None
    tags: ClassVar[Iterable[str]] = ()

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
            description=cls.__workflow_description__ or inspect.getdoc(cls) or "",
            steps=cls.steps,
            edges=cls.edges,
            initial_step=cls.initial_step,
            terminal_steps=cls.terminal_steps,
            input_schema=cls.input_schema,
            tags=cls.tags,
        )
