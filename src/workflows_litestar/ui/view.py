"""What every page is made with: who looks at it, what the engine says, and where things are."""

from __future__ import annotations

from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar.datastructures import Cookie
from litestar.response import Response
from markupsafe import Markup

from workflows_litestar.ui import csrf, times
from workflows_litestar.ui.forms import id_of
from workflows_litestar.ui.present import json_text, value_text
from workflows_litestar.ui.static import assets
from workflows_litestar.ui.texts import Texts

if TYPE_CHECKING:
    from datetime import datetime

    from litestar import Request

    from workflows_core.engine import ExecutionEngine
    from workflows_core.tasks import Task
    from workflows_litestar.ui.visitor import Visitor

HTML: Final = "text/html"


class Frame:
    """What pages stand in, also those that tell of an error: where things are, and what is said.

    Attributes:
        request: The request.
        prefix: Where the UI begins, as browsers see it.
        texts: What is said.
    """

    visitor: Visitor | None = None

    def __init__(self, request: Request[Any, Any, Any], prefix: str) -> None:
        self.request = request
        self.prefix = request.scope.get("root_path", "").rstrip("/") + prefix.rstrip("/")
        self.texts = Texts()

    @cached_property
    def token(self) -> str:
        """What forms on the page must carry."""
        return csrf.token_of(self.request)

    def url(self, *parts: object, **query: object) -> str:
        """Return the address of a page; parameters without a value are left out."""
        path = "".join("/" + quote(str(part), safe="") for part in parts)
        asked = {name: str(value) for name, value in query.items() if value not in {None, "", False}}
        return (self.prefix + path or "/") + (f"?{urlencode(asked)}" if asked else "")

    def asset(self, name: str) -> str:
        """Return the address of a file."""
        return f"{self.prefix}/static/{name}?v={assets()[name].digest}"

    def said(self, name: str) -> str:
        """Return a parameter of the address, without blanks around it; empty if there is none."""
        value = self.request.query_params.get(name, "")
        return value.strip().replace("\x00", "") if isinstance(value, str) else ""

    def render(self, template: str, **values: object) -> str:
        """Render a template, or a part of a page."""
        page = environment().get_template(template)
        return page.render(
            v=self, t=self.texts, url=self.url, asset=self.asset, visitor=self.visitor, **values
        )


class View(Frame):
    """The request for a page, and the means to answer it.

    Attributes:
        engine: The engine, which decides everything.
        visitor: Who looks at the page.
        now: The present moment.
    """

    visitor: Visitor

    def __init__(
        self, request: Request[Any, Any, Any], engine: ExecutionEngine, visitor: Visitor, prefix: str
    ) -> None:
        super().__init__(request, prefix)
        self.engine = engine
        self.visitor = visitor
        self.now = engine.clock.now()

    @property
    def workflows(self) -> list[str]:
        """The names of the workflows that are known here."""
        return sorted({name for name, _ in self.engine.registry.list_keys()})

    async def page(self, template: str, status: int = 200, **values: object) -> Response[str]:
        """Return a page."""
        html = self.render(template, now=self.now, csrf_token=self.token, **values)
        cookie = csrf.cookie_for(self.request, self.token, self.prefix or "/")
        return Response(html, status_code=status, media_type=HTML, cookies=[cookie] if cookie else [])

    def go(self, *parts: object, cookie: Cookie | None = None, **query: object) -> Response[str]:
        """Send the browser to a page, after something was done: loading that again does nothing twice."""
        location = {"location": self.url(*parts, **query)}
        return Response(
            "", status_code=303, media_type=HTML, headers=location, cookies=[cookie] if cookie else []
        )

    # For templates

    def due(self, task: Task) -> times.Due | None:
        """Say when a task is due; `None` if never."""
        if task.due_at is None:
            return None
        definition = self.engine.registry.find_definition(task.definition_name, task.definition_version)
        step = None if definition is None else definition.steps.get(task.step_name)
        return times.due(self.texts, task.due_at, self.now, getattr(step, "calendar", None))

    def ago(self, moment: datetime) -> Markup:
        """Say how long ago something was; the exact moment is told when pointed at."""
        said = times.ago(self.texts, moment, self.now)
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            moment.isoformat(), times.moment(moment), said
        )

    def age(self, since: datetime) -> str:
        """Say how long something has been going on."""
        return times.age(self.texts, since, self.now)

    def took(self, since: datetime, until: datetime | None) -> str:
        """Say how long something took; nothing where it goes on."""
        return "–" if until is None else times.took(self.texts, since, until)

    def step_title(self, name: str, version: str, step: str | None) -> str:
        """Return what people call a step."""
        definition = self.engine.registry.find_definition(name, version)
        known = None if definition is None or step is None else definition.steps.get(step)
        return words_of(step or "") if known is None else known.label


def words_of(name: str) -> str:
    """Turn the name of something into words."""
    words = name.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]


@cache
def environment() -> Environment:
    """Return where templates come from, and what they can use."""
    environment = Environment(
        loader=PackageLoader("workflows_litestar.ui"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        words=words_of,
        json=json_text,
        value=value_text,
        field_id=id_of,
        moment=times.moment,
        day=times.day,
        moment_field=times.field,
    )
    return environment
