"""Entity tags: what a client has seen, and whether it is still so when something is to be changed (RFC 9110)."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, TypeVar
from uuid import UUID

import msgspec
from attrs import evolve
from litestar.datastructures import ResponseHeader
from litestar.exceptions import HTTPException
from litestar.params import HeaderParameter
from litestar.response import Response

from workflows_core.errors import StaleTaskError
from workflows_core.serialization import task_to_json
from workflows_litestar.problems import Complaint, InvalidRequestError

if TYPE_CHECKING:
    from workflows_core.engine import ExecutionEngine
    from workflows_core.instance import Instance
    from workflows_core.tasks import Task

T = TypeVar("T")

IfMatch: TypeAlias = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        description="Only if it still is as this `ETag` of an earlier answer says; 412 otherwise.",
        max_length=1000,
    ),
]

TAGGED: Final = (
    ResponseHeader(
        name="ETag",
        description="Names this state, for `If-Match`.",
        documentation_only=True,
        required=False,
    ),
)
"""What the OpenAPI document says about answers with a tag."""

_TAGS: Final = re.compile(
    r'(?:(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"|\*)(?:[ \t]*,[ \t]*(?:W/)?"[\x21\x23-\x7e\x80-\xff]*")*'
)


class PreconditionFailedError(HTTPException):
    """It is not as the request says that it has seen it."""

    status_code = 412


def instance_tag(instance: Instance) -> str:
    """Return the tag of an instance: its revision, which grows with everything that happens to it."""
    return f'"{instance.revision}"'


def task_tag(task: Task) -> str:
    """Return the tag of a task: the revision of what it shows, and a digest of all else that it says.

    What people have put aside as drafts is left out: their own typing is no news for them.
    """
    document = msgspec.json.encode(task_to_json(evolve(task, drafts={})), order="deterministic")
    return f'"{task.revision}-{sha256(document).hexdigest()[:16]}"'


def tagged(content: T, tag: str) -> Response[T]:
    """Answer with a tag."""
    return Response(content, headers={"ETag": tag})


def if_task(engine: ExecutionEngine, task_id: UUID, if_match: str | None) -> ExecutionEngine:
    """Return the engine as one that changes the task only if it is as a request has seen it.

    Raises:
        InvalidRequestError: If the header cannot be read.
    """

    def changed(instance: Instance, tags: frozenset[str]) -> None:
        task = instance.tasks.get(task_id)
        if task is None or task_tag(task) in tags:  # what is closed is refused as such
            return
        quoted = _revisions(tags)
        if quoted and task.revision not in quoted:
            raise StaleTaskError(task_id, max(quoted), task.revision)
        raise PreconditionFailedError("The task has changed since you saw it. Look at it again.")

    return _if(engine, if_match, changed)


def if_instance(engine: ExecutionEngine, if_match: str | None) -> ExecutionEngine:
    """Return the engine as one that changes the instance only if it is as a request has seen it.

    Raises:
        InvalidRequestError: If the header cannot be read.
    """

    def changed(instance: Instance, tags: frozenset[str]) -> None:
        if instance_tag(instance) not in tags:
            raise PreconditionFailedError("The instance has changed since you saw it. Look at it again.")

    return _if(engine, if_match, changed)


def _if(
    engine: ExecutionEngine, if_match: str | None, check: Callable[[Instance, frozenset[str]], Any]
) -> ExecutionEngine:
    if if_match is None:
        return engine
    if _TAGS.fullmatch(if_match.strip()) is None:
        raise InvalidRequestError(Complaint('It must be an ETag, such as "7", or *.', parameter="If-Match"))
    if if_match.strip() == "*":
        return engine
    tags = frozenset(each.strip() for each in if_match.split(","))
    return engine.provided(lambda instance: check(instance, tags))


def _revisions(tags: frozenset[str]) -> frozenset[int]:
    """Return the revisions of what was shown that tags of tasks name."""
    found = (re.fullmatch(r'"(\d{1,9})-[0-9a-f]{16}"', tag) for tag in tags)
    return frozenset(int(match[1]) for match in found if match is not None)
