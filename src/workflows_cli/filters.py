"""Options that say which instances are meant."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, Final

import click

from workflows_core.ports import InstanceQuery
from workflows_core.searchable import Scalar, read_value
from workflows_core.states import InstanceStatus

_AGO: Final = re.compile(r"(?P<count>\d{1,6})(?P<unit>[smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Moment(click.ParamType[Any]):
    """A moment with its time zone, or how long ago it was: `90m`, `2h`, `3d`."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the moment in UTC."""
        if not isinstance(value, str):
            return value
        ago = _AGO.fullmatch(value)
        try:
            if ago is not None:
                return datetime.now(UTC) - timedelta(**{_UNITS[ago["unit"]]: int(ago["count"])})
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is not None:
                return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        return self.fail(
            f"{value!r} is neither a moment with its time zone, such as 2026-03-01T12:00Z, nor a span such as 2h.",
            param,
            ctx,
        )


class DataValue(click.ParamType[Any]):
    """`PATH=VALUE`: what an instance has at a path of its data."""

    name = "value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return path and value."""
        if not isinstance(value, str):
            return value
        path, equals, text = value.partition("=")
        if not path or not equals:
            self.fail(f"{value!r} is not PATH=VALUE.", param, ctx)
        return path, read_value(text)


def _moment(name: str, meaning: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    help_ = f"Only those {meaning}: a moment, or so long ago (90m, 2h, 3d)."
    return click.option(name, type=Moment(), metavar="WHEN", help=help_)


_OPTIONS: Final = (
    click.option(
        "--status",
        type=click.Choice([str(each) for each in InstanceStatus]),
        help="Only those in this status.",
    ),
    click.option("--workflow", metavar="NAME", help="Only those of this workflow, any version."),
    click.option("--step", "at_step", metavar="NAME", help="Only those that are at this step."),
    click.option("--created-by", metavar="NAME", help="Only those that this user has started."),
    click.option("--correlation-id", metavar="TEXT", help="Only those with this mark."),
    click.option("--tenant", metavar="NAME", help="Only those of this tenant."),
    click.option(
        "--where",
        "values",
        type=DataValue(),
        multiple=True,
        metavar="PATH=VALUE",
        help="Only those with this value in their data, where their workflow declares the path as searchable; may be given "
        "several times.",
    ),
    _moment("--started-after", "started then or later"),
    _moment("--started-before", "started before"),
    _moment("--updated-after", "that changed last then or later"),
    _moment("--updated-before", "that have not changed since"),
)


def instance_filter(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that choose instances; it gets them as one `query`."""

    @wraps(command)
    def filtered(
        *,
        status: str | None,
        workflow: str | None,
        at_step: str | None,
        created_by: str | None,
        correlation_id: str | None,
        tenant: str | None,
        values: tuple[tuple[str, Scalar], ...],
        started_after: datetime | None,
        started_before: datetime | None,
        updated_after: datetime | None,
        updated_before: datetime | None,
        **others: Any,
    ) -> None:
        query = InstanceQuery(
            status=None if status is None else InstanceStatus(status),
            definition_name=workflow,
            step=at_step,
            created_by=created_by,
            correlation_id=correlation_id,
            tenant_id=tenant,
            data=dict(values),
            started_after=started_after,
            started_before=started_before,
            updated_after=updated_after,
            updated_before=updated_before,
        )
        command(query=query, **others)

    for option in reversed(_OPTIONS):
        filtered = option(filtered)
    return filtered
