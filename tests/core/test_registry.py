"""The registry: every version of every definition, none of them invalid, none of them ever changed."""

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.workflows import Do, chain, review
from workflows_core import Workflow, WorkflowDefinition, WorkflowRegistry
from workflows_core.errors import DefinitionConflictError, DefinitionNotFoundError, InvalidDefinitionError
from workflows_core.registry import version_key
from workflows_core.validation import CODES, Severity

NUMBERS = st.lists(st.integers(0, 20), min_size=1, max_size=4)
VERSIONS = st.from_regex(r"[0-9a-z][0-9a-z.+_-]{0,8}", fullmatch=True)


def leave(version: str = "1.0.0", name: str = "leave") -> WorkflowDefinition:
    return chain(Do("ask"), review(), name=name, version=version)


def registry_of(*versions: str) -> WorkflowRegistry:
    registry = WorkflowRegistry()
    for version in versions:
        registry.register_definition(leave(version))
    return registry


def written(numbers: list[int]) -> str:
    return ".".join(map(str, numbers))


# Versions


def test_the_latest_is_the_latest_by_version_and_not_by_time() -> None:
    registry = registry_of("1.9.0", "1.10.0", "1.2.0")

    assert registry.get_definition("leave").version == "1.10.0"
    assert registry.get_definition("leave", "1.2.0").version == "1.2.0"
    assert registry.get_versions("leave") == ("1.2.0", "1.9.0", "1.10.0")


def test_versions_in_order() -> None:
    """As in Semantic Versioning, section 11, but for numbers inside words, which count as numbers."""
    ordered = [
        "0.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
        "1.0.0-rc9", "1.0.0-rc10", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2", "10.0.0", "2026-02-28", "2026-11-01",
    ]  # fmt: skip

    assert registry_of(*reversed(ordered)).get_versions("leave") == tuple(ordered)


@given(st.lists(NUMBERS, min_size=1, max_size=5, unique_by=tuple))
def test_numbers_are_ordered_as_numbers(versions: list[list[int]]) -> None:
    registry = registry_of(*map(written, versions))

    assert registry.get_versions("leave") == tuple(map(written, sorted(versions)))
    assert registry.get_definition("leave").version == written(max(versions))


@given(NUMBERS, VERSIONS)
def test_a_pre_release_comes_before_its_release(numbers: list[int], mark: str) -> None:
    assert version_key(f"{written(numbers)}-{mark}") < version_key(written(numbers))


@given(
    st.lists(VERSIONS, unique=True, max_size=6).flatmap(
        lambda them: st.tuples(st.just(them), st.permutations(them))
    )
)
def test_the_order_is_the_same_however_they_come(given_: tuple[list[str], list[str]]) -> None:
    """Any two versions have an order, and it does not depend on which was registered first."""
    versions, shuffled = given_

    assert registry_of(*versions).get_versions("leave") == registry_of(*shuffled).get_versions("leave")
    assert len({version_key(version) for version in versions}) == len(versions)


# Registering


def test_the_same_content_again_changes_nothing() -> None:
    registry = WorkflowRegistry()
    first = leave()
    registry.register_definition(first)

    registry.register_definition(first)
    registry.register_definition(leave())

    assert registry.get_definition("leave") is first
    assert registry.get_versions("leave") == ("1.0.0",)


def test_other_content_under_a_known_version_is_refused() -> None:
    registry = registry_of("1.0.0", "2.0.0")
    changed = chain(Do("ask"), review(), Do("book"), name="leave")

    with pytest.raises(DefinitionConflictError, match="give the changed definition a new version") as refused:
        registry.register_definition(changed)

    assert (refused.value.name, refused.value.version) == ("leave", "1.0.0")
    assert list(registry.get_definition("leave", "1.0.0").steps) == ["ask", "review"]
    registry.register_definition(evolve(changed, version="3.0.0"))
    assert registry.get_versions("leave") == ("1.0.0", "2.0.0", "3.0.0")


@pytest.mark.parametrize("name", ["leave", "", None, ["leave"], 5])
@pytest.mark.parametrize("version", ["1.0.0", {}, None])
def test_what_is_not_valid_is_refused_with_everything_that_is_wrong(name: object, version: object) -> None:
    registry = registry_of("1.0.0")
    broken = WorkflowDefinition(
        name=name,  # type: ignore[arg-type]
        version=version,  # type: ignore[arg-type]
        steps=[Do("ask"), Do("ask")],
        initial_step="start",
        terminal_steps=[],
    )

    with pytest.raises(InvalidDefinitionError) as refused:
        registry.register_definition(broken)

    codes = {problem.code for problem in refused.value.problems}
    assert {"duplicate-name", "unknown-initial-step", "no-terminal-step"} <= codes
    assert all(code in str(refused.value) for code in codes)
    assert registry.list_definitions() == [registry.get_definition("leave", "1.0.0")]


def test_warnings_are_no_reason_to_refuse() -> None:
    registry = WorkflowRegistry()

    registry.register_definition(leave(name="hr/leave"))

    assert CODES["slash-in-name"] is Severity.WARNING
    assert registry.get_definition("hr/leave").name == "hr/leave"


def test_schemas_are_checked_by_the_validator_of_the_registry() -> None:
    class Strict:
        def check_schema(self, schema: object) -> str | None:
            return "It is never good enough."

        def problems(self, schema: object, data: object) -> tuple[()]:
            return ()

    with pytest.raises(InvalidDefinitionError, match="never good enough"):
        WorkflowRegistry(forms=Strict()).register_definition(leave())


# Classes


class Leave(Workflow):
    """Days off."""

    __workflow_name__ = "leave"
    steps = (Do("ask"), review())
    edges = leave().edges
    initial_step = "ask"
    terminal_steps = ("review",)


def test_a_class_is_found_by_what_it_defines() -> None:
    registry = WorkflowRegistry()

    registry.register(Leave)

    assert registry.get_workflow_class("leave") is Leave
    assert registry.get_workflow_class("leave", "1.0.0") is Leave
    assert registry.get_definition("leave").description == "Days off."


def test_definition_and_class_of_the_same_content_go_together() -> None:
    """The guide registers both."""
    registry = WorkflowRegistry()
    registry.register(Leave.get_definition())

    with pytest.raises(DefinitionNotFoundError):
        registry.get_workflow_class("leave")
    registry.register_workflow_class(Leave)

    assert registry.get_workflow_class("leave") is Leave
    assert len(registry.list_definitions()) == 1


def test_a_class_that_is_not_valid_leaves_nothing_behind() -> None:
    class Empty(Workflow):
        __workflow_name__ = "empty"

    registry = WorkflowRegistry()

    with pytest.raises(InvalidDefinitionError, match="no-steps"):
        registry.register(Empty)
    with pytest.raises(DefinitionNotFoundError):
        registry.get_workflow_class("empty")


@pytest.mark.parametrize("thing", [None, 5, "leave", object, Do("a"), {"name": "leave"}])
def test_what_is_no_workflow_says_so(thing: object) -> None:
    with pytest.raises(TypeError, match="neither a WorkflowDefinition nor a class"):
        WorkflowRegistry().register(thing)  # type: ignore[arg-type]


def test_a_class_that_defines_something_else_says_so() -> None:
    class Odd:
        __workflow_name__ = "odd"
        __workflow_version__ = "1.0.0"

        @classmethod
        def get_definition(cls) -> dict[str, str]:
            return {"name": "odd"}

    with pytest.raises(TypeError, match="no WorkflowDefinition"):
        WorkflowRegistry().register(Odd)  # type: ignore[arg-type]


# Finding


def test_what_is_not_there_is_named_with_what_is() -> None:
    registry = registry_of("1.0.0", "2.0.0")

    with pytest.raises(DefinitionNotFoundError, match=r"Workflow 'leaf' is not registered\. Known: leave"):
        registry.get_definition("leaf")
    with pytest.raises(
        DefinitionNotFoundError, match=r"version '3' is not registered\. Known: 1\.0\.0, 2\.0\.0"
    ):
        registry.get_definition("leave", "3")
    assert registry.find_definition("leaf") is None
    assert registry.find_definition("leave", "3") is None
    assert registry.get_versions("leaf") == ()


def test_the_list_holds_the_latest_of_each_by_name() -> None:
    registry = registry_of("1.0.0", "2.0.0")
    registry.register(leave(name="expenses"))

    assert [(each.name, each.version) for each in registry.list_definitions()] == [
        ("expenses", "1.0.0"),
        ("leave", "2.0.0"),
    ]
