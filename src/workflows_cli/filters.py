"""Options that say which instances are meant."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

import click

from workflows_core.ports import InstanceQuery
from workflows_core.states import InstanceStatus

_OPTIONS: Final = (
    click.option(
        "--status",
        type=click.Choice([str(each) for each in InstanceStatus]),
        help="Only those in this status.",
    ),
    click.option("--workflow", metavar="NAME", help="Only those of this workflow, any version."),
    click.option("--created-by", metavar="NAME", help="Only those that this user has started."),
    click.option("--correlation-id", metavar="TEXT", help="Only those with this mark."),
    click.option("--tenant", metavar="NAME", help="Only those of this tenant."),
)


def instance_filter(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that choose instances; it gets them as one `query`."""

    @wraps(command)
    def filtered(
        *,
        status: str | None,
        workflow: str | None,
        created_by: str | None,
        correlation_id: str | None,
        tenant: str | None,
        **others: Any,
    ) -> None:
        query = InstanceQuery(
            status=None if status is None else InstanceStatus(status),
            definition_name=workflow,
            created_by=created_by,
            correlation_id=correlation_id,
            tenant_id=tenant,
        )
        command(query=query, **others)

    for option in reversed(_OPTIONS):
        filtered = option(filtered)
    return filtered
