"""The comparison finds what differs, and nothing else."""

from typing import Any

import pytest

from guide.answers import differences

TASK = {
    "id": "660e8400-e29b-41d4-a716-446655440001",
    "due_date": "2024-11-26T10:30:00Z",
    "n": 1,
    "form": {"a": None},
}
DIAGRAM = "graph TD\n    a[A]\n    ...\n    style a fill:#90EE90"


@pytest.mark.parametrize(
    ("printed", "answer"),
    [
        (TASK, TASK),
        (
            TASK,
            TASK | {"id": "0190a0a8-0000-7000-8000-000000000001", "due_date": "2030-01-01T00:00:00.123456Z"},
        ),
        ({"amount": 2500.00}, {"amount": 2500}),
        ({"nodes": ["..."]}, {"nodes": [{"id": 1}]}),
        (
            {"mermaid_source": DIAGRAM},
            {"mermaid_source": "graph TD\n    a[A]\n    b[B]\n    style a fill:#90EE90\n"},
        ),
        ({"mermaid_source": "graph TD\n    ..."}, {"mermaid_source": "graph TD\n    a[A]"}),
    ],
)
def test_the_same(printed: Any, answer: Any) -> None:
    assert differences(printed, answer) == []


@pytest.mark.parametrize(
    ("printed", "answer", "where"),
    [
        (TASK, TASK | {"more": 1}, "$.more: not in the guide"),
        (TASK, {key: TASK[key] for key in ("id", "due_date", "n")}, "$.form: missing"),
        (TASK, TASK | {"n": True}, "$.n: True, not 1"),
        (TASK, TASK | {"n": "1"}, "$.n: '1', not 1"),
        (TASK, TASK | {"form": {"a": {}}}, "$.form.a: {}, not None"),
        (TASK, TASK | {"id": "1"}, "$.id: '1' is not of the form"),
        (TASK, TASK | {"due_date": None}, "$.due_date: None is not of the form"),
        (TASK, TASK | {"due_date": "2024-11-26T10:30:00+00:00"}, "$.due_date:"),
        ({"completed_at": None}, {"completed_at": "2024-11-26T10:30:00Z"}, "$.completed_at:"),
        ([TASK], [TASK, TASK], "$: 2 elements, not 1"),
        ([TASK], TASK, "$: "),
        ({"nodes": ["..."]}, {"nodes": []}, "$.nodes: "),
        (
            {"mermaid_source": DIAGRAM},
            {"mermaid_source": "graph TD\n    b[B]\n    style a fill:#90EE90"},
            "$.mermaid",
        ),
        (
            {"mermaid_source": "graph TD\n    a[A]"},
            {"mermaid_source": "graph TD\n    a[A]\n    b[B]"},
            "$.mermaid",
        ),
    ],
)
def test_a_difference(printed: Any, answer: Any, where: str) -> None:
    (found,) = differences(printed, answer)
    assert found.startswith(where)


def test_an_excerpt() -> None:
    edges = [{"source": "a", "target": "b"}, {"source": "b", "target": "c"}, {"source": "c", "target": "d"}]
    excerpt = {"edges": edges[1:]}
    assert differences(excerpt, {"edges": edges}, excerpts={"edges"}) == []
    assert differences(excerpt, {"edges": edges}) == ["$.edges: 3 elements, not 2"]
    assert len(differences(excerpt, {"edges": edges[::-1]}, excerpts={"edges"})) == 1
    assert (
        len(differences(excerpt, {"edges": [edge | {"more": 1} for edge in edges]}, excerpts={"edges"})) == 2
    )
