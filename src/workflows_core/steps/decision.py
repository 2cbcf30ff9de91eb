"""Steps that several people decide together."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from workflows_core.quorum import Quorum
from workflows_core.steps.base import Join, StepKind
from workflows_core.steps.human import BaseHumanStep

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping

    from workflows_core.calendar import Span, WorkingCalendar
    from workflows_core.context import WorkflowContext
    from workflows_core.deadlines import Stage
    from workflows_core.policies import Policies
    from workflows_core.quorum import Opinion


class DecisionStep(BaseHumanStep):
    """A step that several people decide: each of them gets a task, and a quorum says what the votes come to.

    The step ends with the first of its `outcomes` if the decision is accepted, else with the second, as soon as that
    is certain; tasks that are not needed any more are canceled. The votes are in the data under `tasks.<step>`:
    `{"votes": [{"outcome", "by", "comment", "data"}, …], "outcome": …}`. They are not merged into the data at top level.

    Nobody votes twice. Deciders whom a rule keeps from deciding (the initiator, say) have no vote from the beginning.

    Attributes:
        deciders_key: Key of the instance data that holds the deciders: a list of user names, or of objects
            `{"user": …}` or `{"group": …}` that may have a `"weight"`. See also `get_deciders`.
        quorum: What it takes: `Quorum.unanimous()`, `.at_least(3)`, `.majority()`, `.veto("cfo")`, `.weighted({…})`.
        outcomes: What a decision can end with: accepted, rejected.
        abstain: What somebody votes who wants to be counted on neither side; `None` if they cannot.
        in_sequence: Whether the deciders are asked one after the other, in their order, instead of all at once.
    """

    kind = StepKind.DECISION
    specified = (*BaseHumanStep.specified, "deciders_key", "quorum", "abstain", "in_sequence")

    outcomes: Iterable[str] = ("approve", "reject")
    deciders_key: str | None = None
    quorum: Quorum = Quorum.majority()
    abstain: str | None = None
    in_sequence: bool = False

    def __init__(
        self,
        name: str | None = None,
        title: str | None = None,
        description: str | None = None,
        form_schema: Mapping[str, object] | None = None,
        deciders_key: str | None = None,
        *,
        quorum: Quorum | None = None,
        outcomes: Iterable[str] | None = None,
        abstain: str | None = None,
        in_sequence: bool | None = None,
        due: Span | None = None,
        escalation: Iterable[Stage] | None = None,
        calendar: WorkingCalendar | None = None,
        policies: Policies | None = None,
        shows: Iterable[str] | None = None,
        requires_revision: bool | None = None,
        join: Join | None = None,
        terminate: bool | None = None,
    ) -> None:
        super().__init__(
            name,
            title,
            description,
            form_schema,
            outcomes=outcomes,
            due=due,
            escalation=escalation,
            calendar=calendar,
            policies=policies,
            shows=shows,
            requires_revision=requires_revision,
            join=join,
            terminate=terminate,
        )
        self._set(
            {
                "deciders_key": deciders_key,
                "quorum": quorum,
                "abstain": abstain,
                "in_sequence": in_sequence,
            }
        )

    def get_deciders(
        self, context: WorkflowContext
    ) -> Iterable[str | Mapping[str, object]] | Awaitable[Iterable[str | Mapping[str, object]]]:
        """Name the deciders, as `deciders_key` describes; by default what stands under that key."""
        found: Iterable[str | Mapping[str, object]] = (
            context.get(self.deciders_key) if self.deciders_key else ()
        )
        return found

    @property
    def opinions(self) -> Mapping[str, Opinion]:
        """What each vote means, in the order in which people choose from them."""
        accepted, rejected = self.outcomes
        opinions: dict[str, Opinion] = {accepted: "accept", rejected: "reject"}
        if self.abstain is not None:
            opinions[self.abstain] = "abstain"
        return MappingProxyType(opinions)

    def outcome(self, *, accepted: bool) -> str:
        """Return what the step ends with."""
        return tuple(self.outcomes)[0 if accepted else 1]
