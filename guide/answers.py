"""Compares an answer, field by field, with the one that is printed in the guide."""

import json
import re
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from guide.rst import Block

ELIDED = "..."
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")


def is_moment(value: object) -> bool:
    """Whether it is a moment written as in the guide, perhaps with a fraction of a second."""
    return isinstance(value, str) and MOMENT.fullmatch(value) is not None


def moment(value: str) -> datetime:
    return datetime.fromisoformat(value)


def is_uuid(value: object) -> bool:
    try:
        return isinstance(value, str) and str(UUID(value)) == value
    except ValueError:
        return False


def is_id(value: object) -> bool:
    return isinstance(value, str) and bool(value)


# The values that no two runs share. Their form is compared; how they hang together is the concern of the tests.
VOLATILE: dict[str, Callable[[object], bool] | None] = {
    "id": is_uuid,
    "instance_id": is_uuid,
    "started_at": is_moment,
    "completed_at": is_moment,
    "created_at": is_moment,
    "due_date": is_moment,
    "$.nodes[].id": None,  # the name of a step
    "$.step_history[].id": is_id,  # the guide prints "step-exec-001": any text that tells one from the other
}

# What an answer may hold beyond the printed one, and why.
EXTRA_OF_INSTANCES = {
    "definition_version": "an instance is pinned to it, and its picture and forms depend on it",
    "revision": "tells the newer of two answers",
    "updated_at": "tells what has not moved for long",
    "tenant_id": "can be given at the start, and would be lost",
    "correlation_id": "can be given at the start, and would be lost",
}
EXTRA_OF_DETAILS = {
    "current_steps": "branches run side by side; the printed field holds one of them",
    "cancel_reason": "can be given on canceling, and would be lost",
    "suspend_reason": "can be given on suspending, and would be lost",
}
EXTRA_OF_EXECUTIONS = {
    "attempt": "tells the retries of a step apart",
    "outcome": "says how a person decided",
    "completed_by": "says who decided",
    "output": "what a step returns is recorded, and would be lost",
}
EXTRA_OF_TASKS = {
    "assignee_group": "lists are filtered by it",
    "candidate_users": "says who else may take the task",
    "candidate_groups": "says who else may take the task",
    "priority": "an inbox shows it",
    "outcomes": "a client must offer them",
    "outcome": "a closed task says how it was decided",
    "output_data": "can be given on completing, and would be lost",
    "comment": "can be given on completing, and would be lost",
    "completed_by": "a closed task says who did it",
    "completed_at": "a closed task says when it was done",
    "workflow_name": "an inbox shows it",
    "state": "says whether it is offered, held, delegated or asked about",
    "revision": "can be quoted on completing: approve what you saw",
    "requires_revision": "says whether it must be quoted",
    "owner": "says to whom a delegated task comes back",
    "follow_up_date": "can be set, and would be lost",
    "tenant_id": "can be given at the start, and would be lost",
    "on_behalf_of": "says for whom a substitute did it",
    "closed_reason": "says why it was closed otherwise",
}
EXTRA_OF_TASK_DETAILS = {
    "data": "what is decided about",
    "draft": "can be put aside, and would be lost",
    "thread": "comments, questions and answers would be lost",
    "question": "says what was asked",
}
EXTRA_OF_COMPLETED = {
    "next_task": "leads a person through an instance without a search",
    "instance": "shows what came of it",
}
EXTRA_OF_NODES = {"state": "a page that draws by itself needs it for the colours that the text has"}
EXTRA_OF_EDGES = {
    "label": "a page that draws by itself needs it",
    "is_taken": "shows the way that an instance came",
}
EXTRA: dict[str, str] = {
    f"{at}.{name}": why
    for at, extra in {
        "$": EXTRA_OF_INSTANCES
        | EXTRA_OF_DETAILS
        | EXTRA_OF_TASKS
        | EXTRA_OF_TASK_DETAILS
        | EXTRA_OF_COMPLETED,
        "$[]": EXTRA_OF_INSTANCES | EXTRA_OF_TASKS,
        "$.step_history[]": EXTRA_OF_EXECUTIONS,
        "$.nodes[]": EXTRA_OF_NODES,
        "$.edges[]": EXTRA_OF_EDGES,
    }.items()
    for name, why in extra.items()
}

# What a class of the guide may hold beyond the printed fields, and why; they come after these.
EXTRA_FIELDS: dict[str, dict[str, str]] = {
    "StartWorkflowDTO": {"version": "an older version can be started as well"},
    "CompleteTaskDTO": {
        "outcome": "a task with named outcomes is completed with one of them",
        "revision": "approve what you saw",
    },
    "WorkflowInstanceDTO": EXTRA_OF_INSTANCES,
    "HumanTaskDTO": EXTRA_OF_TASKS,
}

# Printed answers that are shorter than what they are an answer to, without an ellipsis that says so: in these
# fields what is printed must be there, in this order, among more.
EXCERPTS: dict[str, Collection[str]] = {
    "List Definitions": {"edges"},  # two of the three edges that four steps in a row have
    "Get Definition Graph": {"nodes", "edges"},  # the text beside them names more
    "Definition Graph": {"nodes", "edges", "mermaid_source"},  # ends at a step that is not terminal
}


def printed(block: Block) -> Any:
    """The answer in a block of the guide; `[...]` becomes a list that holds just the ellipsis."""
    return json.loads(block.text.replace("[...]", f'["{ELIDED}"]'))


def differences(wanted: Any, answer: Any, *, excerpts: Collection[str] = (), at: str = "$") -> list[str]:
    """Everything in which an answer differs from the printed one."""
    here = at.rpartition(".")[2]
    check = VOLATILE[at] if at in VOLATILE else VOLATILE.get(here)
    if check is not None and wanted is not None:
        return [] if check(answer) else [f"{at}: {answer!r} is not of the form of {wanted!r}"]
    match wanted:
        case dict():
            return _objects(wanted, answer, excerpts, at)
        case [one] if one == ELIDED:
            return (
                []
                if isinstance(answer, list) and answer
                else [f"{at}: {answer!r}, not a list with something in it"]
            )
        case list():
            return _lists(wanted, answer, excerpts, at)
        case str() if here == "mermaid_source":
            return _diagrams(wanted, answer, at, contiguous=here not in excerpts)
    same = wanted == answer and isinstance(wanted, bool) == isinstance(answer, bool)
    return [] if same else [f"{at}: {answer!r}, not {wanted!r}"]


def _objects(wanted: dict[str, Any], answer: Any, excerpts: Collection[str], at: str) -> list[str]:
    if not isinstance(answer, dict):
        return [f"{at}: {answer!r}, not an object"]
    missing = [f"{at}.{key}: missing" for key in wanted.keys() - answer.keys()]
    unknown = [
        f"{at}.{key}: not in the guide" for key in answer.keys() - wanted.keys() if f"{at}.{key}" not in EXTRA
    ]
    shared = [
        difference
        for key in wanted
        if key in answer
        for difference in differences(wanted[key], answer[key], excerpts=excerpts, at=f"{at}.{key}")
    ]
    return sorted(missing) + sorted(unknown) + shared


def _lists(wanted: list[Any], answer: Any, excerpts: Collection[str], at: str) -> list[str]:
    if not isinstance(answer, list):
        return [f"{at}: {answer!r}, not a list"]
    if at.rpartition(".")[2] not in excerpts:
        if len(wanted) != len(answer):
            return [f"{at}: {len(answer)} elements, not {len(wanted)}"]
        pairs = zip(wanted, answer, strict=True)
        return [
            line for one, other in pairs for line in differences(one, other, excerpts=excerpts, at=f"{at}[]")
        ]
    rest = iter(answer)
    return [
        f"{at}: {one!r} is not in {answer!r}, or not in this order"
        for one in wanted
        if not any(not differences(one, other, excerpts=excerpts, at=f"{at}[]") for other in rest)
    ]


def _diagrams(wanted: str, answer: Any, at: str, *, contiguous: bool) -> list[str]:
    """Compare diagrams by line: a line `...` stands for any, also at the end of what is printed."""
    if not isinstance(answer, str):
        return [f"{at}: {answer!r}, not a text"]
    expected, lines = wanted.split("\n"), answer.rstrip("\n").split("\n")
    anything = r"(?:.*\n)*"
    parts = [anything if line.strip() == ELIDED else re.escape(line) + "\n" for line in expected]
    pattern = ("" if contiguous else anything).join(parts)
    if not contiguous or ELIDED in wanted:
        pattern += anything
    if re.fullmatch(pattern, "".join(f"{line}\n" for line in lines)):
        return []
    return [f"{at}: {answer!r} is not {wanted!r}"]
