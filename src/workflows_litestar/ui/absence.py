"""Out of office: who stands in for the visitor, and for whom they stand in."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from workflows_core.errors import InvalidDataError, NotPermittedError
from workflows_litestar.ui.failures import status_of
from workflows_litestar.ui.tasks import text_of
from workflows_litestar.ui.view import View

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workflows_core.actors import Substitution

_FIELDS: Final = ("substitute", "first_day", "last_day", "definition")
_DAY: Final = timedelta(days=1)
_EARLIEST: Final = date(1900, 1, 1)
_LATEST: Final = date(9000, 1, 1)


class AbsenceController(Controller):
    """The visitor's own absences. Those of others are for managers, over the API."""

    path = "/absence"

    @get("/")
    async def show(self, view: NamedDependency[View]) -> Response[str]:
        """Show who stands in for whom, and a form to name somebody."""
        return await _shown(view)

    @post("/")
    async def add(self, request: Request[Any, Any, Any], view: NamedDependency[View]) -> Response[str]:
        """Note that the visitor is out of office, or show what is wrong with what was entered."""
        sent = await request.form()
        entered = {name: text_of(sent, name) for name in _FIELDS}
        try:
            if view.visitor.name is None:
                raise InvalidDataError("", view.texts("who.ask").removesuffix("."))
            await view.engine.substitutions.add(
                view.visitor.name,
                entered["substitute"],
                _begin(entered["first_day"], "/first_day"),
                _begin(entered["last_day"], "/last_day") + _DAY,
                definitions=[entered["definition"]] if entered["definition"] else [],
                **view.visitor.asking,
            )
        except InvalidDataError as error:
            return await _shown(view, entered, f"{error.detail}.", status_of(error))
        except NotPermittedError as error:
            return await _shown(view, entered, str(error), status_of(error))
        return view.go("absence", note="absence")

    @post("/{substitution_id:uuid}/end")
    async def end(self, view: NamedDependency[View], substitution_id: FromPath[UUID]) -> Response[str]:
        """End an absence: the visitor is back."""
        await view.engine.substitutions.end(substitution_id, actor=view.visitor.seeing)
        return view.go("absence", note="back")


def _begin(text: str, pointer: str) -> datetime:
    """Return the moment at which a day begins."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.max
    if not _EARLIEST <= day < _LATEST:
        raise InvalidDataError(pointer, "Write days as year, month and day, such as 2026-05-31")
    return datetime.combine(day, datetime.min.time(), UTC)


async def _shown(
    view: View, entered: Mapping[str, str] | None = None, trouble: str = "", status: int = 200
) -> Response[str]:
    known, name = view.engine.substitutions, view.visitor.name
    own: Sequence[Substitution] = ()
    others: Sequence[Substitution] = ()
    if name is not None:
        own = await known.find(absent=name, not_over_at=view.now, actor=view.visitor.seeing)
        others = await known.find(substitute=name, not_over_at=view.now, actor=view.visitor.seeing)
    return await view.page(
        "absence.html",
        status,
        entered=entered or dict.fromkeys(_FIELDS, ""),
        trouble=trouble,
        own=[(each, each.until - _DAY) for each in own],
        others=[(each, each.until - _DAY) for each in others],
        workflows=view.workflows,
        note=view.said("note"),
    )
