"""JSON data, and changes of it."""

from __future__ import annotations

from hypothesis import strategies as st

from workflows_core.data import Json, JsonObject, Patch, diff


def json_values(*, max_leaves: int = 10) -> st.SearchStrategy[Json]:
    """Anything an instance can hold: JSON with integers of 64 bits and without NUL characters."""
    return st.recursive(
        _scalars(),
        lambda members: st.lists(members, max_size=4) | st.dictionaries(_texts(), members, max_size=4),
        max_leaves=max_leaves,
    )


def json_objects(*, max_leaves: int = 10) -> st.SearchStrategy[JsonObject]:
    """JSON objects, such as the data of instances and submitted forms; keys come up again and again."""
    keys = st.sampled_from(["a", "b", "amount", "a/b", "~", ""]) | _texts()
    return st.dictionaries(keys, json_values(max_leaves=max_leaves), max_size=5)


def _scalars() -> st.SearchStrategy[Json]:
    return (
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | _texts()
    )


def _texts() -> st.SearchStrategy[str]:
    return st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)


def patches() -> st.SearchStrategy[Patch]:
    """What a step may have changed: the difference between two documents."""
    documents = json_objects(max_leaves=4)
    return st.builds(lambda before, after: diff(before, after, what="the data"), documents, documents)
