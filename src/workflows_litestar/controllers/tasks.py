"""Human tasks: finding them, doing them, handing them on."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

from litestar import Controller, Request, Response, get, patch, post, put
from litestar.params import FromPath, JSONBody, QueryParameter

from workflows_core.ports import TaskOrder, TaskQuery
from workflows_core.states import TaskStatus
from workflows_litestar import bulk, pages
from workflows_litestar.actor import asking, asking_person, own_name
from workflows_litestar.bodies import JsonBody
from workflows_litestar.dependencies import Engine
from workflows_litestar.dto import CompleteTaskDTO, HumanTaskDTO, ReassignTaskDTO
from workflows_litestar.explanations import TaskExplanationDTO
from workflows_litestar.fields import ASKING, NAME, PAGE, PROSE, SMALL
from workflows_litestar.histories import HistoryEntryDTO
from workflows_litestar.idempotency import repeatable
from workflows_litestar.identity import Acting
from workflows_litestar.moments import earliest, moment
from workflows_litestar.openapi import WRITES, OptionalBody, refusals
from workflows_litestar.problems import DATA_POINTER, RENAMED
from workflows_litestar.tags import TAGGED, IfMatch, if_task, tagged, task_tag
from workflows_litestar.task_answers import BulkAnswerDTO, CompletedTaskDTO, TaskDetailDTO, completed
from workflows_litestar.task_requests import (
    NOTHING,
    AnswerDTO,
    BulkTasksDTO,
    CommentDTO,
    DelegateTaskDTO,
    DraftDTO,
    ReasonDTO,
    RequestInformationDTO,
    ResolveTaskDTO,
    UpdateTaskDTO,
    changes_in,
)
from workflows_litestar.waiting import Wait

if TYPE_CHECKING:
    from workflows_core.paging import Cursor
    from workflows_core.tasks import Task

UserId = Annotated[str | None, QueryParameter(description=ASKING, **NAME)]

NOTHING_TO_SAY: Final = ResolveTaskDTO()


def _answer(task: Task) -> Response[HumanTaskDTO]:
    return tagged(HumanTaskDTO.from_domain(task), task_tag(task))


class TaskController(Controller):
    """Finding tasks, and everything that people do with them."""

    path = "/tasks"

    # Reading

    @get(
        operation_id="list_human_tasks",
        summary="List human tasks",
        description="By due date, those without one last, then the oldest first; or in another order.",
        response_description="The tasks.",
        response_headers=pages.PAGED,
        responses=refusals(400),
    )
    async def list_tasks(
        self,
        *,
        request: Request[Any, Any, Any],
        workflow_engine: Engine,
        workflow_actor: Acting,
        status: Annotated[TaskStatus | None, QueryParameter(description="Only those in this status.")] = None,
        assignee_id: Annotated[
            str | None, QueryParameter(description="Only those assigned to this user.", **NAME)
        ] = None,
        assignee_group: Annotated[
            str | None,
            QueryParameter(
                description="Only those whose step offers them to this group, whoever has them.", **NAME
            ),
        ] = None,
        candidate_user: Annotated[
            str | None,
            QueryParameter(
                description="Only those offered to this user by name, that nobody has taken.", **NAME
            ),
        ] = None,
        candidate_group: Annotated[
            str | None,
            QueryParameter(description="Only those offered to this group, that nobody has taken.", **NAME),
        ] = None,
        mine: Annotated[
            bool,
            QueryParameter(
                description="Only those that the one who asks holds or could take: by name, by group, or for whom they "
                "stand in. Open ones, if no status is asked for."
            ),
        ] = False,
        instance_id: Annotated[
            UUID | None, QueryParameter(description="Only those of this instance.")
        ] = None,
        workflow_name: Annotated[
            str | None, QueryParameter(description="Only those of this workflow, any version.", **NAME)
        ] = None,
        priority: Annotated[
            int | None, QueryParameter(description="Only those of this priority.", **SMALL)
        ] = None,
        due_before: Annotated[
            datetime | None, QueryParameter(description="Only those due before this moment.")
        ] = None,
        overdue: Annotated[
            bool, QueryParameter(description="Only open ones that should have been done by now.")
        ] = False,
        follow_up_before: Annotated[
            datetime | None, QueryParameter(description="Leave out what is put off beyond this moment.")
        ] = None,
        text: Annotated[
            str | None,
            QueryParameter(
                description="Only those with words in their title that begin with these.", **PROSE
            ),
        ] = None,
        user_id: UserId = None,
        sort: Annotated[TaskOrder, QueryParameter(description="In which order.")] = TaskOrder.DUE,
        after: pages.After = None,
        limit: pages.Limit = PAGE,
        offset: pages.Offset = 0,
        total: pages.Total = False,
    ) -> Response[list[HumanTaskDTO]]:
        """Return the tasks that fit."""

        def asked_for(place: Cursor | None) -> TaskQuery:
            return TaskQuery(
                status=TaskStatus.PENDING if overdue and status is None else status,
                assignee=assignee_id,
                assignee_group=assignee_group,
                candidate_user=candidate_user,
                candidate_group=candidate_group,
                for_actor=own_name(workflow_actor, user_id) if mine else None,
                instance_id=instance_id,
                definition_name=workflow_name,
                priority=priority,
                due_before=earliest(
                    moment(due_before, "due_before"), workflow_engine.clock.now() if overdue else None
                ),
                follow_up_before=moment(follow_up_before, "follow_up_before"),
                text=text,
                order=sort,
                after=place,
                limit=limit,
                offset=offset,
            )

        query = pages.query_after(asked_for, after)
        return await pages.answer(
            request,
            await workflow_engine.tasks.page(query, actor=workflow_actor),
            HumanTaskDTO.from_domain,
            (lambda: workflow_engine.tasks.count(query, actor=workflow_actor)) if total else None,
        )

    @get(
        "/{task_id:str}",
        operation_id="get_human_task",
        summary="Get a human task",
        description="With the schema of its form, what is decided about, what was said, and what you have put aside.",
        response_description="The task.",
        response_headers=TAGGED,
        responses=refusals(400, 404),
    )
    async def get_task(
        self,
        task_id: FromPath[UUID],
        workflow_engine: Engine,
        workflow_actor: Acting,
        user_id: UserId = None,
    ) -> Response[TaskDetailDTO]:
        """Return one task."""
        who = asking_person(workflow_actor, user_id)
        view = await workflow_engine.tasks.view(task_id, actor=workflow_actor)
        return tagged(TaskDetailDTO.from_view(view, who.user_id), task_tag(view.task))

    @get(
        "/{task_id:str}/explain",
        operation_id="explain_human_task",
        summary="Explain a human task",
        description="With whom it is, what you can do with it or why not, and what would follow.",
        response_description="The explanation.",
        responses=refusals(400, 404),
    )
    async def explain(
        self,
        task_id: FromPath[UUID],
        workflow_engine: Engine,
        workflow_actor: Acting,
        user_id: UserId = None,
    ) -> TaskExplanationDTO:
        """Explain a task to whoever asks."""
        who = asking_person(workflow_actor, user_id)
        return TaskExplanationDTO.from_domain(await workflow_engine.tasks.explain(task_id, who))

    @get(
        "/{task_id:str}/history",
        operation_id="get_human_task_history",
        summary="Get the history of a human task",
        description="Everything that happened to it, the oldest first.",
        response_description="The entries, with the events about the task alone.",
        responses=refusals(400, 404),
    )
    async def get_history(
        self, task_id: FromPath[UUID], workflow_engine: Engine, workflow_actor: Acting
    ) -> list[HistoryEntryDTO]:
        """Return what happened to a task."""
        entries = await workflow_engine.tasks.get_history(task_id, actor=workflow_actor)
        return [HistoryEntryDTO.from_domain(each) for each in entries]

    # Doing

    @post(
        "/{task_id:str}/complete",
        operation_id="complete_human_task",
        summary="Complete a human task",
        description="The data is checked against the task's form before anything changes. Of many who try at once, one succeeds.",
        response_description="The task was completed.",
        response_headers=TAGGED,
        dto=JsonBody[CompleteTaskDTO],
        opt={DATA_POINTER: "/output_data"},
        responses=refusals(*WRITES, 428),
    )
    @repeatable
    async def complete(
        self,
        *,
        task_id: FromPath[UUID],
        data: JSONBody[CompleteTaskDTO],
        workflow_engine: Engine,
        workflow_actor: Acting,
        wait: Wait = 0,
        if_match: IfMatch = None,
    ) -> Response[CompletedTaskDTO]:
        """Complete a task."""
        asked = asking(workflow_actor, data.completed_by, required="/completed_by")
        done = await if_task(workflow_engine, task_id, if_match).tasks.complete(
            task_id,
            data.output_data,
            outcome=data.outcome,
            comment=data.comment,
            revision=data.revision,
            **asked,
        )
        return tagged(await completed(workflow_engine, done, asked, wait), task_tag(done.task))

    @post(
        "/{task_id:str}/claim",
        operation_id="claim_human_task",
        summary="Claim a human task",
        description="You take it: of many who try at once, one succeeds.",
        response_description="The task is with you.",
        response_headers=TAGGED,
        dto=JsonBody[ReasonDTO],
        operation_class=OptionalBody,
        responses=refusals(*WRITES),
    )
    @repeatable
    async def claim(
        self,
        task_id: FromPath[UUID],
        workflow_engine: Engine,
        workflow_actor: Acting,
        data: JSONBody[ReasonDTO] = NOTHING,
        if_match: IfMatch = None,
    ) -> Response[HumanTaskDTO]:
        """Take a task."""
        asked = asking(workflow_actor, data.user_id)
        tasks = if_task(workflow_engine, task_id, if_match).tasks
        return _answer(await tasks.claim(task_id, reason=data.reason, **asked))

    @post(
        "/{task_id:str}/unclaim",
        operation_id="unclaim_human_task",
        summary="Give back a human task",
        description="All it is offered to can take it again.",
        response_description="The task is offered again.",
        response_headers=TAGGED,
        dto=JsonBody[ReasonDTO],
        operation_class=OptionalBody,
        responses=refusals(*WRITES),
    )
    @repeatable
    async def unclaim(
        self,
        task_id: FromPath[UUID],
        workflow_engine: Engine,
        workflow_actor: Acting,
        data: JSONBody[ReasonDTO] = NOTHING,
        if_match: IfMatch = None,
    ) -> Response[HumanTaskDTO]:
        """Give a task back."""
        asked = asking(workflow_actor, data.user_id)
        tasks = if_task(workflow_engine, task_id, if_match).tasks
        return _answer(await tasks.unclaim(task_id, reason=data.reason, **asked))

    @post(
        "/{task_id:str}/reassign",
        operation_id="reassign_human_task",
        summary="Reassign a human task",
        description="Somebody else is to do it from now on.",
        response_description="The task was reassigned.",
        response_headers=TAGGED,
        dto=JsonBody[ReassignTaskDTO],
        responses=refusals(*WRITES),
    )
    @repeatable
    async def reassign(
        self,
        task_id: FromPath[UUID],
        data: JSONBody[ReassignTaskDTO],
        workflow_engine: Engine,
        workflow_actor: Acting,
        if_match: IfMatch = None,
    ) -> Response[HumanTaskDTO]:
        """Give a task to somebody else."""
        asked = asking(workflow_actor, data.user_id)
        tasks = if_task(workflow_engine, task_id, if_match).tasks
        return _answer(await tasks.reassign(task_id, data.new_assignee, reason=data.reason, **asked))

    @post(
        "/{task_id:str}/delegate",
        operation_id="delegate_human_task",
        summary="Delegate a human task",
        description="Somebody else works on it, and it comes back when they resolve it.",
        response_description="The task was delegated.",
        response_headers=TAGGED,
        dto=JsonBody[DelegateTaskDTO],
        opt={RENAMED: {"/assignee": "/to"}},
        responses=refusals(*WRITES),
    )
    @repeatable
    async def delegate(
        self,
        task_id: FromPath[UUID],
        data: JSONBody[DelegateTaskDTO],
        workflow_engine: Engine,
        workflow_actor: Acting,
        if_match: IfMatch = None,
    ) -> Response[HumanTaskDTO]:
        """Let somebody else work on a task."""
        asked = asking(workflow_actor, data.user_id)
        tasks = if_task(workflow_engine, task_id, if_match).tasks
        return _answer(await tasks.delegate(task_id, data.to, reason=data.reason, **asked))

    @post(
        "/{task_id:str}/resolve",
        operation_id="resolve_human_task",
        summary="Resolve a delegated human task",
        description="It goes back to its owner, who completes it.",
        response_description="The task is with its owner.",
        response_headers=TAGGED,
        dto=JsonBody[ResolveTaskDTO],
        opt={RENAMED: {"/reason": "/comment"}},
        operation_class=OptionalBody,
        responses=refusals(*WRITES),
    )
    @repeatable
    async def resolve(
        self,
        task_id: FromPath[UUID],
        workflow_engine: Engine,
        workflow_actor: Acting,
        data: JSONBody[ResolveTaskDTO] = NOTHING_TO_SAY,
        if_match: IfMatch = None,
    ) -> Response[HumanTaskDTO]:
        """Give a delegated task back."""
        asked = asking(workflow_actor, data.user_id)
        tasks = if_task(workflow_engine, task_id, if_match).tasks
        return _answer(await tasks.resolve(task_id, comment=data.comment, **asked))

    @post(
        "/{task_id:str}/request-information",
        operation_id="request_information",
        summary="Ask before deciding a human task",
        description="The task goes to whoever is asked, and its deadlines stand still until it comes back.",
        response_description="The question was asked.",
        response_headers=TAGGED,
        dto=JsonBody[RequestInformationDTO],
        opt={RENAMED: {"/asked": "/of"}},
        responses=refusals(*WRITES),
    )
    @repeatable
    async def request_information(
        self,
        task_id: FromPath[UUID],
        data: JSONBody[RequestInformationDTO],
        workflow_engine: Engine,
        workflow_actor: Acting,
        if_match: IfMatch = None,
    ) -> Response[HumanTaskDTO]:
        """Ask somebody a question."""
        asked = asking(workflow_actor, data.user_id)
        tasks = if_task(workflow_engine, task_id, if_match).tasks
        return _answer(await tasks.request_information(task_id, data.question, of=data.of, **asked))

    @post(
        "/{task_id:str}/answer",
        operation_id="answer_question",
        summary="Answer what was asked",
        description="The task goes back, with as much time left as there was.",
        response_description="The question was answered.",
        response_headers=TAGGED,
        dto=JsonBody[AnswerDTO],
        responses=refusals(*WRITES),
    )
    @repeatable
    async def answer(
        self,
        task_id: FromPath[UUID],
        data: JSONBody[AnswerDTO],
        workflow_engine: Engine,
        workflow_actor: Acting,
        if_match: IfMatch = None,
    ) -> Response[HumanTaskDTO]:
        """Answer a question."""
        asked = asking(workflow_actor, data.user_id)
        tasks = if_task(workflow_engine, task_id, if_match).tasks
        return _answer(await tasks.answer(task_id, data.answer, **asked))

    @post(
        "/{task_id:str}/withdraw-question",
        operation_id="withdraw_question",
        summary="Withdraw a question",
        description="The task comes back without an answer.",
        response_description="The question was withdrawn.",
        response_headers=TAGGED,
        dto=JsonBody[ReasonDTO],
        operation_class=OptionalBody,
        responses=refusals(*WRITES),
    )
    @repeatable
    async def withdraw_question(
        self,
        task_id: FromPath[UUID],
        workflow_engine: Engine,
        workflow_actor: Acting,
        data: JSONBody[ReasonDTO] = NOTHING,
        if_match: IfMatch = None,
    ) -> Response[HumanTaskDTO]:
        """Take a question back."""
        asked = asking(workflow_actor, data.user_id)
        tasks = if_task(workflow_engine, task_id, if_match).tasks
        return _answer(await tasks.withdraw_question(task_id, reason=data.reason, **asked))

    @post(
        "/{task_id:str}/comments",
        operation_id="comment_on_human_task",
        summary="Comment on a human task",
        description="Whoever sees an open task may.",
        response_description="The comment was added.",
        response_headers=TAGGED,
        dto=JsonBody[CommentDTO],
        responses=refusals(*WRITES),
    )
    @repeatable
    async def comment(
        self,
        task_id: FromPath[UUID],
        data: JSONBody[CommentDTO],
        workflow_engine: Engine,
        workflow_actor: Acting,
        if_match: IfMatch = None,
    ) -> Response[HumanTaskDTO]:
        """Say something about a task."""
        asked = asking(workflow_actor, data.user_id)
        tasks = if_task(workflow_engine, task_id, if_match).tasks
        return _answer(await tasks.comment(task_id, data.text, **asked))

    @put(
        "/{task_id:str}/draft",
        operation_id="save_human_task_draft",
        summary="Put aside what is filled in so far",
        description="It need not fit the form, is kept for you alone, and offered again with the task.",
        response_description="The draft is kept.",
        response_headers=TAGGED,
        dto=JsonBody[DraftDTO],
        opt={DATA_POINTER: "/data"},
        responses=refusals(*WRITES),
    )
    @repeatable
    async def save_draft(
        self,
        task_id: FromPath[UUID],
        data: JSONBody[DraftDTO],
        workflow_engine: Engine,
        workflow_actor: Acting,
        if_match: IfMatch = None,
    ) -> Response[HumanTaskDTO]:
        """Keep a draft."""
        asked = asking(workflow_actor, data.user_id, required="/user_id")
        tasks = if_task(workflow_engine, task_id, if_match).tasks
        return _answer(await tasks.save_draft(task_id, data.data, **asked))

    @patch(
        "/{task_id:str}",
        operation_id="update_human_task",
        summary="Change a human task",
        description="Its due date, priority and follow-up date: as many as are given, all or none.",
        response_description="The task was changed.",
        response_headers=TAGGED,
        dto=JsonBody[UpdateTaskDTO],
        opt={RENAMED: {"/due_at": "/due_date", "/follow_up_at": "/follow_up_date"}},
        responses=refusals(*WRITES),
    )
    @repeatable
    async def update(
        self,
        task_id: FromPath[UUID],
        data: JSONBody[UpdateTaskDTO],
        workflow_engine: Engine,
        workflow_actor: Acting,
        if_match: IfMatch = None,
    ) -> Response[HumanTaskDTO]:
        """Change due date, priority and follow-up date."""
        asked = asking(workflow_actor, data.user_id)
        tasks = if_task(workflow_engine, task_id, if_match).tasks
        return _answer(await tasks.update(task_id, **changes_in(data), reason=data.reason, **asked))

    @post(
        "/bulk",
        operation_id="change_human_tasks",
        summary="Claim, complete or reassign many human tasks",
        description="Each for itself, as if it were asked for alone: some may be done and others not.",
        response_description="What became of each, in the order asked for.",
        dto=JsonBody[BulkTasksDTO],
        responses=refusals(400, 409, 413, 415, 422),
    )
    @repeatable
    async def change_many(
        self, data: JSONBody[BulkTasksDTO], workflow_engine: Engine, workflow_actor: Acting
    ) -> list[BulkAnswerDTO]:
        """Do one thing with many tasks."""
        answers = await bulk.carry_out(workflow_engine.tasks, data, workflow_actor)
        return [BulkAnswerDTO.from_domain(each) for each in answers]
