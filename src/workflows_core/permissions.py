"""Who may do what: one pure function.

Two rules about this file, which a review can check:

* Whether somebody may do something is decided in `may` and nowhere else. The machine asks it with every command, and
  so do explanations; lists are filtered by `visibility`, which is the same rule written as a query.
* Nothing here does I/O or reads a clock. Who stands in for whom at this moment comes with the actor.

There are two kinds of rules. *Authority* says who has a hand in a task at all: who holds it, to whom it is offered,
who has a role. *Separation of duties* says who may not decide although they have authority. An application that acts
as itself (`Actor.trusted`) has all authority; the separation of duties binds it too, in the name of whom it acts.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from attrs import frozen

from workflows_core.participants import keys_of
from workflows_core.policies import NO_POLICIES, Policies
from workflows_core.states import TaskState
from workflows_core.steps import BaseHumanStep, Step
from workflows_core.words import listed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from workflows_core.actors import Actor
    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.instance import Instance
    from workflows_core.tasks import Task


class Action(StrEnum):
    """What somebody may want to do with a task or an instance."""

    VIEW = "view"
    CLAIM = "claim"
    UNCLAIM = "unclaim"
    COMPLETE = "complete"
    REASSIGN = "reassign"
    DELEGATE = "delegate"
    RESOLVE = "resolve"
    ASK = "request information"
    ANSWER = "answer"
    WITHDRAW = "withdraw the question"
    COMMENT = "comment"
    SAVE_DRAFT = "save a draft"
    RESCHEDULE = "set the due date"
    PRIORITIZE = "set the priority"
    FOLLOW_UP = "set the follow-up date"
    RECEIVE = "be given the task"
    """Asked about the one whom a task is to be given to."""
    CANCEL = "cancel"
    RETRY = "retry"
    SKIP = "skip"
    MOVE = "move"
    SUSPEND = "suspend"
    RESUME = "resume"
    SEND = "send a message"


_OPERATING: Final = frozenset(
    {Action.CANCEL, Action.RETRY, Action.SKIP, Action.MOVE, Action.SUSPEND, Action.RESUME, Action.SEND}
)
_MANAGING: Final = frozenset(
    {
        Action.FOLLOW_UP, Action.PRIORITIZE, Action.REASSIGN, Action.RESCHEDULE, Action.RESOLVE, Action.UNCLAIM,
        Action.WITHDRAW,
    }
)  # fmt: skip
_HOLDING: Final = frozenset(
    {Action.ASK, Action.COMPLETE, Action.DELEGATE, Action.FOLLOW_UP, Action.SAVE_DRAFT, Action.UNCLAIM}
)
_DECIDING: Final = frozenset({Action.CLAIM, Action.COMPLETE, Action.MOVE, Action.SKIP})
"""What separation of duties is about: deciding, taking on to decide, and going past a decision."""


def policies_of(definition: WorkflowDefinition, step: str | None = None) -> Policies:
    """Return the policies for a step; what is no work of people has no rules about who decides.

    Without a step they are those for going past any of them: the rules of all steps together.
    """
    own = definition.policies or NO_POLICIES
    if step is not None:
        return _policies_at(own, definition.steps.get(step))
    rules = own.roles_only()
    for each in definition.steps.values():
        rules = rules.combined(_policies_at(own, each))
    return rules


def _policies_at(own: Policies, step: Step | None) -> Policies:
    return own.combined(step.policies) if isinstance(step, BaseHumanStep) else own.roles_only()


@frozen
class Decision:
    """Whether somebody may do something.

    Attributes:
        allowed: Whether they may.
        reason: Why, or why not: a sentence for them.
        on_behalf_of: For whom they would do it, where they do it as a substitute.
    """

    allowed: bool
    reason: str
    on_behalf_of: str | None = None

    def __bool__(self) -> bool:
        return self.allowed


def may(actor: Actor, action: Action, task: Task | None, instance: Instance, policies: Policies) -> Decision:
    """Say whether somebody may do something, and why or why not.

    This is about persons. Whether the task or the instance is in a state in which it can be done at all is told by
    the tables in `states`.

    Args:
        actor: Who asks.
        action: What they want to do.
        task: The task it is about; `None` where it is about the instance.
        instance: The instance as it is now.
        policies: What is declared for the step of the task (`policies_of`).
    """
    if action is Action.RECEIVE:
        return _received(actor, task, instance, policies)
    if actor.is_trusted:
        authority = Decision(allowed=True, reason="The application asks for it.")
    else:
        authority = _seen(actor, instance, policies)
        if authority.allowed and action is not Action.VIEW:
            authority = _authority(actor, action, task, instance, policies)
    if authority.allowed and action in _DECIDING:
        persons = frozenset({actor.user_id, authority.on_behalf_of or actor.user_id})
        broken = _broken(persons, task, instance, policies)
        if broken is not None:
            return Decision(allowed=False, reason=broken)
    return authority


# Separation of duties


def _received(actor: Actor, task: Task | None, instance: Instance, policies: Policies) -> Decision:
    persons = frozenset({actor.user_id})
    broken = _broken(persons, task, instance, policies)
    if broken is None and policies.no_return and task is not None and actor.user_id in task.delegators:
        broken = f"{actor.user_id} has delegated this task, and it may not come back that way."
    return Decision(broken is None, broken or "No rule is against it.")


def _broken(
    persons: frozenset[str | None], task: Task | None, instance: Instance, policies: Policies
) -> str | None:
    """Return the rule that is broken if these persons decide, in a sentence; `None` if none is.

    Whoever stands in decides as two persons: for themself and for the other. So no rule can be got around that way.
    """
    if not policies.separates and not _voters(task, instance):
        return None
    if None in persons:
        return "There are rules about who may decide this, so it must be known who does."
    if policies.not_initiator and instance.created_by in persons:
        return f"{instance.created_by} started this, and whoever starts it may not decide it."
    for step, names in instance.doers.items():
        is_other = task is None or step != task.step_name
        if step in policies.not_who_did or (policies.distinct and is_other):
            for name in persons.intersection(names):
                return f"{name} did {step!r} before, and may not decide this as well."
    for name in persons.intersection(_voters(task, instance)):
        return f"{name} has voted in this decision already."
    return None


def _voters(task: Task | None, instance: Instance) -> frozenset[str]:
    token = None if task is None else instance.tokens.get(task.token)
    return frozenset() if token is None or token.ballot is None else token.ballot.voters


# Authority


@frozen
class Identity:
    """Somebody in whose name an actor can act.

    Attributes:
        user_id: Who it is: the actor, or somebody they stand in for.
        keys: The keys under which they are found; see `participants`.
        on_behalf_of: For whom the actor would act, if not for themself.
        definitions: The workflows for which the actor may do so, by name; empty for all.
    """

    user_id: str
    keys: tuple[str, ...]
    on_behalf_of: str | None = None
    definitions: tuple[str, ...] = ()

    def is_among(self, keys: Iterable[str]) -> bool:
        """Say whether they are among those that the keys stand for."""
        return not set(self.keys).isdisjoint(keys)


def identities(actor: Actor) -> tuple[Identity, ...]:
    """Return in whose name an actor can act: their own first, then those they stand in for."""
    own = () if actor.user_id is None else (Identity(actor.user_id, keys_of(actor.user_id, actor.groups)),)
    others = (
        Identity(each.absent, keys_of(each.absent, each.groups, anyone=False), each.absent, each.definitions)
        for each in actor.substitutions
    )
    return (*own, *others)


def _identities(actor: Actor, instance: Instance) -> Iterator[Identity]:
    for identity in identities(actor):
        if not identity.definitions or instance.definition_name in identity.definitions:
            yield identity


def _seen(actor: Actor, instance: Instance, policies: Policies) -> Decision:
    """Say whether somebody may see an instance with its tasks; `visibility` is the same as a query."""
    if actor.tenant_id != instance.tenant_id:
        return Decision(allowed=False, reason="It belongs to another tenant.")
    if actor.roles & policies.overseer_roles:
        return Decision(allowed=True, reason="Your role lets you see everything.")
    if actor.user_id is not None and actor.user_id == instance.created_by:
        return Decision(allowed=True, reason="You started it.")
    if any(identity.is_among(instance.participants) for identity in _identities(actor, instance)):
        return Decision(allowed=True, reason="You have a part in it.")
    return Decision(allowed=False, reason="You have no part in it.")


def _authority(
    actor: Actor, action: Action, task: Task | None, instance: Instance, policies: Policies
) -> Decision:
    if action in _OPERATING:
        return _by_role(actor, policies.operator_roles, "operators")
    if task is None or action is Action.COMMENT:
        return Decision(allowed=task is not None, reason="Whoever sees a task may comment on it.")
    if action is Action.CLAIM:
        return _offered(actor, task, instance)
    found = Decision(allowed=False, reason=whose(task))
    if action in _HOLDING:
        found = (
            _holds(actor, task, instance) if task.assignee is not None else _offered(actor, task, instance)
        )
    elif action in {Action.ANSWER, Action.RESOLVE}:
        found = _holds(actor, task, instance)
    if not found.allowed and _gets_back(actor, action, task):
        found = Decision(allowed=True, reason="It comes back to you.")
    if not found.allowed and action in _MANAGING:
        by_role = _by_role(actor, policies.overseer_roles, "managers")
        return by_role if by_role.allowed or action not in _HOLDING else found
    return found


def may_send(actor: Actor) -> Decision:
    """Say whether somebody may send a message to whichever instance waits for it under a correlation key.

    It moves an instance that is not named, so no definition's own rules are asked: the usual role of operators counts.
    """
    if actor.is_trusted:
        return Decision(allowed=True, reason="The application asks for it.")
    return _by_role(actor, NO_POLICIES.operator_roles, "operators")


def may_name_substitute(
    actor: Actor,
    absent: str,
    definitions: Collection[str],
    policies: Mapping[tuple[str, str], Policies | None],
) -> Decision:
    """Say whether somebody may name who stands in for a person, or put an end to that.

    Everybody may for themself. For others it is for those who could give all the tasks it is about to somebody else.

    Args:
        actor: Who asks.
        absent: Whom somebody stands in for.
        definitions: The workflows it is for, by name; empty for all.
        policies: Every definition, by name and version, with its policies.
    """
    if actor.is_trusted:
        return Decision(allowed=True, reason="The application asks for it.")
    if actor.user_id == absent:
        return Decision(allowed=True, reason="Whoever is out of office says who stands in.")
    covered = {key: own for key, own in policies.items() if not definitions or key[0] in definitions}
    if not definitions or {name for name, _ in covered} != {*definitions}:
        covered |= {("", ""): None}
    for own in covered.values():
        decision = _by_role(actor, (own or NO_POLICIES).overseer_roles, f"{absent} and for managers")
        if not decision.allowed:
            return decision
    return Decision(allowed=True, reason="You may give all these tasks to somebody else.")


def _by_role(actor: Actor, roles: frozenset[str], who: str) -> Decision:
    held = actor.roles & roles
    if held:
        return Decision(allowed=True, reason=f"You have the role {min(held)}.")
    needed = f" (role {listed(sorted(roles), 'or')})" if roles else ""
    return Decision(allowed=False, reason=f"This is for {who}{needed}.")


def _gets_back(actor: Actor, action: Action, task: Task) -> bool:
    """Whether it is their own again once it is resolved, or the question is withdrawn."""
    if actor.user_id is None:
        return False
    if action is Action.WITHDRAW:
        return task.question is not None and task.question.asked_by == actor.user_id
    return action is Action.RESOLVE and task.owner == actor.user_id


def _holds(actor: Actor, task: Task, instance: Instance) -> Decision:
    for identity in _identities(actor, instance):
        if task.assignee == identity.user_id:
            who = identity.on_behalf_of
            reason = "The task is with you." if who is None else f"It is with {who}, for whom you stand in."
            return Decision(allowed=True, reason=reason, on_behalf_of=who)
    return Decision(allowed=False, reason=whose(task))


def _offered(actor: Actor, task: Task, instance: Instance) -> Decision:
    for identity in _identities(actor, instance):
        if identity.is_among(task.offered_to):
            reason = "It is offered to you."
            if identity.on_behalf_of is not None:
                reason = f"It is offered to {identity.on_behalf_of}, for whom you stand in."
            return Decision(allowed=True, reason=reason, on_behalf_of=identity.on_behalf_of)
    return Decision(allowed=False, reason=whose(task))


def whose(task: Task) -> str:
    """Say in a sentence with whom a task is."""
    if task.question is not None:
        return f"It is with {task.assignee}, who was asked for information by {task.question.asked_by}."
    if task.state is TaskState.DELEGATED:
        return f"It is with {task.assignee}, to whom {task.owner} delegated it."
    if task.assignee is not None:
        return f"It is with {task.assignee}." if task.is_open else f"It was with {task.assignee}."
    offers = [*task.candidate_users, *(f"the group {group}" for group in task.groups)]
    if offers:
        return f"It is offered to {listed(offers, 'and')}."
    return "It is offered to anybody." if task.for_anyone else "It is offered to nobody."
