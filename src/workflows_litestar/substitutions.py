"""What requests and answers about substitutions hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final, Self
from uuid import UUID

from workflows_litestar.fields import NAME, Moment, Name, UserId, about, several, text_about

if TYPE_CHECKING:
    from workflows_core.actors import Substitution

MOST_NAMES: Final = 100
"""How many workflows, or groups, one substitution can name."""


@dataclass(frozen=True)
class AddSubstitutionDTO:
    """Who stands in for somebody, and for how long."""

    substitute: Annotated[str, *text_about("Who stands in.", **NAME, min_length=1)]
    until: Annotated[Moment, about("Until when, with a time zone.")]
    since: Annotated[Moment | None, about("From when on, with a time zone; at once by default.")] = None
    absent: Annotated[
        Name | None,
        about(
            "Who is out of office: by default whoever asks. Others need a role that may give tasks to somebody else."
        ),
    ] = None
    definitions: Annotated[
        list[Name],
        *several(
            "For the tasks of these workflows alone, by name; for all, if there are none.", most=MOST_NAMES
        ),
    ] = field(default_factory=list)
    groups: Annotated[
        list[Name],
        *several(
            "Groups of the absent whose tasks it is for; all of your own, if it is for yourself and names none.",
            most=MOST_NAMES,
        ),
    ] = field(default_factory=list)
    user_id: UserId = None


@dataclass(frozen=True)
class SubstitutionDTO:
    """Somebody is out of office, and somebody stands in."""

    id: UUID
    absent: Annotated[str, about("Who is out of office.")]
    substitute: Annotated[str, about("Who stands in.")]
    since: datetime
    until: Annotated[datetime, about("When it is over, or was.")]
    definitions: Annotated[list[str], about("The workflows it is for; empty for all.")]
    groups: Annotated[list[str], about("The groups of the absent whose tasks it is for.")]
    tenant_id: Annotated[str | None, about("The tenant it belongs to.")]
    created_at: datetime
    created_by: Annotated[str | None, about("Who noted it.")]

    @classmethod
    def from_domain(cls, substitution: Substitution) -> Self:
        """Show a substitution."""
        return cls(
            id=substitution.id,
            absent=substitution.absent,
            substitute=substitution.substitute,
            since=substitution.since,
            until=substitution.until,
            definitions=list(substitution.definitions),
            groups=list(substitution.groups),
            tenant_id=substitution.tenant_id,
            created_at=substitution.created_at,
            created_by=substitution.created_by,
        )
