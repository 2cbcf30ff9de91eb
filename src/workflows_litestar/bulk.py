"""One thing done with many tasks: with each for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workflows_litestar.actor import Asking, asking
from workflows_litestar.problems import Complaint, InvalidRequestError
from workflows_litestar.task_requests import BulkAction, BulkTasksDTO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workflows_core.actors import Actor
    from workflows_core.human_tasks import Answer, HumanTasks


async def carry_out(tasks: HumanTasks, data: BulkTasksDTO, actor: Actor | None) -> Sequence[Answer]:
    """Do what a request says with each of its tasks; return an answer for each, in its order.

    Raises:
        NotPermittedError: If the request names somebody else than the one who makes it.
        InvalidRequestError: If something is missing that the action needs.
    """
    asked = asking(actor, data.user_id, required="/user_id")
    match data.action:
        case BulkAction.CLAIM:
            return await tasks.claim_many(data.task_ids, reason=data.reason, **asked)
        case BulkAction.COMPLETE:
            return await _complete(tasks, data, asked)
        case BulkAction.REASSIGN:
            if not data.new_assignee:
                raise _missing("/new_assignee", data)
            return await tasks.reassign_many(data.task_ids, data.new_assignee, reason=data.reason, **asked)


async def _complete(tasks: HumanTasks, data: BulkTasksDTO, asked: Asking) -> Sequence[Answer]:
    if data.output_data is None:
        raise _missing("/output_data", data)
    return await tasks.complete_many(
        data.task_ids,
        data.output_data,
        outcome=data.outcome,
        comment=data.comment,
        revisions=data.revisions,
        **asked,
    )


def _missing(pointer: str, data: BulkTasksDTO) -> InvalidRequestError:
    return InvalidRequestError(Complaint(f"This field is required to {data.action}.", pointer=pointer))
