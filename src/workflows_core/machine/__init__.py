"""The machine: what a command does to an instance.

Two rules about this package, which a review can check:

* Everything that decides what happens next in an instance stands here (and in the tables of
  `states`); everything else only brings commands and carries events away.
* Nothing here does I/O, reads a clock, makes an id, waits, or calls code a user wrote. Times,
  ids and the results of user code arrive in the command, so the same arguments always give
  the same events, and deciding again after a lost race costs nothing.

How tokens move (the theory; the code below is a transcript of it):

A token that *leaves* a step is consumed, and one token is made on every edge that was chosen.
Where no user code has a say the machine takes those edges itself; otherwise the token stays
`leaving` until a `Leave` command brings the choice.

A token that comes to a step with several incoming edges has *arrived* there and waits. The
join fires, and turns its arrived tokens into one, when no other live token can still come to it
first. Which tokens can is a question of the shape alone (`order.awaited`): a way does not count that
leads through a join which goes later and waits for this one itself. Joins are asked in graph
order; a token that arrived at an earlier join is on its way to the later ones. So once only arrived
tokens are left the first join in graph order fires: the rule cannot deadlock. It is one
rule for parallel joins, exclusive merges, inclusive joins and loop heads alike; compare the
local synchronising merge of the workflow patterns (van der Aalst et al., 2003).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workflows_core.machine import ballots, instances, steps, tasks, waits
from workflows_core.machine.decision import Decision

if TYPE_CHECKING:
    from workflows_core.commands import Command
    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.events import Event
    from workflows_core.instance import Instance

_DECIDE = {**ballots.DECIDE, **instances.DECIDE, **steps.DECIDE, **tasks.DECIDE, **waits.DECIDE}


def decide(definition: WorkflowDefinition, instance: Instance | None, command: Command) -> tuple[Event, ...]:
    """Return what the command makes happen, in order; `None` stands for an instance not started yet.

    Raises:
        InvalidTransitionError: If the command is not allowed in the present state.
        InvalidOutcomeError: If it names an outcome that the step does not have, or lacks one that it needs.
        StepNotFoundError: If it names a step that the definition does not have.
        NotPermittedError: If the one who asks may not do that; they get `TaskNotFoundError` or `InstanceNotFoundError`
            for what they may not see.
        StaleTaskError: If a task shows something else than the one who completes it has seen.
        RevisionRequiredError: If they have to say what they have seen.
        InvalidDataError: If it names nobody where somebody must be named.
    """
    return advance(definition, instance, command)[0]


def advance(
    definition: WorkflowDefinition, instance: Instance | None, command: Command
) -> tuple[tuple[Event, ...], Instance]:
    """Decide, and return the instance as it is after the events as well.

    The second is exactly `evolve` over the first; deciding has computed it already.
    """
    decision = Decision(definition, instance)
    consider(decision, command)
    return decision.end()


def consider(decision: Decision, command: Command) -> None:
    """Carry a decision on by one more command. One that is refused leaves everything as it was before it.

    What many commands make happen one after the other is the same whether it is one decision or many.
    """
    count = len(decision.events)
    decision.at = command.at
    try:
        _DECIDE[type(command)](decision, command)
        decision.settle()
    except Exception:
        decision.forget(count)
        raise
