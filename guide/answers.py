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
    return isinstance(value, str) and str(UUID(value)) == value


def is_id(value: object) -> bool:
    return isinstance(value, str) and bool(value)


# The values that no two runs share. Their form is compared; how they hang together is the concern of the tests.
VOLATILE: dict[str, Callable[[object], bool]] = {
    "id": is_uuid,
    "instance_id": is_uuid,
    "started_at": is_moment,
    "completed_at": is_moment,
    "created_at": is_moment,
    "due_date": is_moment,
    "$.step_history[].id": is_id,  # the guide prints "step-exec-001": any text that tells one from the other
}

# What an answer may hold beyond the printed one, and why. It is empty, and may well stay so.
EXTRA: dict[str, str] = {}

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
    check = VOLATILE.get(at) or VOLATILE.get(here)
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
