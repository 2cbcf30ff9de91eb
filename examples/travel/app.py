"""The travel service: a Litestar application of which the plugin is the whole.

`litestar --app examples.travel.app:create_app run` serves it; `demo.py` does so too and brings some cases along.
"""

from __future__ import annotations

import os
from pathlib import Path

from litestar import Litestar
from litestar.logging import LoggingConfig

from examples.travel.process import TravelRequest
from workflows_core.actors import Actor
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig

PEOPLE = (
    Actor("employee"),
    Actor("pre_approver", groups=["pre_approvers"]),
    Actor("supervisor", groups=["supervisors"]),
    Actor("director", groups=["directors"]),
    Actor("finance", groups=["finance"]),
    Actor("travel_officer", groups=["travel_office"]),
    Actor("administrator", roles=["operator"]),
)
"""Whom a visitor of the pages can choose to be; they are named after the roles in the log."""


def create_app(database: str | None = None) -> Litestar:
    """Make the application.

    Args:
        database: URL of an SQLite or PostgreSQL database. By default `TRAVEL_DATABASE` of the environment, else a
            file of its own in the present folder. Tables are created at the first start.
    """
    url = database or os.environ.get("TRAVEL_DATABASE") or sqlite_url(Path("travel.sqlite3"))
    config = WorkflowPluginConfig(database=url, auto_register_workflows=[TravelRequest], ui_demo_users=PEOPLE)
    # Litestar's own default also shows what every library has to say.
    logging = LoggingConfig(root={"level": "WARNING", "handlers": ["queue_listener"]})
    return Litestar(plugins=[WorkflowPlugin(config=config)], logging_config=logging)


def sqlite_url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"
