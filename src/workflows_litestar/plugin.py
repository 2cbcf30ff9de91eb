"""The plugin: what it adds to an application, and what lives as long as that."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Final, cast

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.exceptions import ImproperlyConfiguredException
from litestar.plugins import CLIPlugin, InitPlugin, ReceiveRoutePlugin

from workflows_core.engine import ExecutionEngine
from workflows_core.hosting import open_storage, stop_runners
from workflows_core.memory import MemoryStorage
from workflows_core.registry import WorkflowRegistry
from workflows_litestar import dependencies
from workflows_litestar.bodies import MAX_BODY
from workflows_litestar.config import DEFAULT_TAGS, WorkflowPluginConfig
from workflows_litestar.controllers import CONTROLLERS, OPEN
from workflows_litestar.identity import ACTOR, NO_IDENTITY, Identity
from workflows_litestar.openapi import Examples, describe
from workflows_litestar.problems import exception_handlers
from workflows_litestar.queries import KNOWN, note_parameters, refuse_unknown
from workflows_litestar.shutdown import when_stopped
from workflows_litestar.streams import STREAMS, Streams

if TYPE_CHECKING:
    from click import Group
    from litestar.config.app import AppConfig
    from litestar.routes import BaseRoute

    from workflows_core.ports import Storage

logger = logging.getLogger("workflows")

IN_MEMORY: Final = (
    "Workflow instances live in memory and end with this process. "
    "Give WorkflowPluginConfig a database, such as database='sqlite+aiosqlite:///workflows.db', to keep them."
)


class WorkflowPlugin(Examples, InitPlugin, CLIPlugin, ReceiveRoutePlugin):
    """Adds workflows to an application: the REST API, an engine to inject, and the runner behind it.

    Handlers of the application may ask for `workflow_engine` and `workflow_registry`. Where it provides these
    itself, the plugin uses them, and keeps no instances of its own.

    Attributes:
        config: What was said about it.
        registry: The registry that is used unless the application provides one.
    """

    def __init__(self, config: WorkflowPluginConfig | None = None) -> None:
        """Make a plugin; without a configuration it serves the REST API and keeps instances in memory.

        Raises:
            InvalidDefinitionError: If a workflow to register is not valid.
            DefinitionConflictError: If two of them have the same name and version, and different content.
        """
        self.config = config or WorkflowPluginConfig()
        self._registration = dependencies.Registration(self.config.auto_register_workflows)
        self.registry = self._registration.into(self.config.registry or WorkflowRegistry())

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Add routes, dependencies and lifespan.

        Raises:
            StorageError: If no installed storage knows the configured database.
        """
        dependencies.read_as_in_guide(app_config)
        storage = self._open(app_config)
        if dependencies.supplies_engine(app_config):
            dependencies.use_engine_of(app_config, self._registration)
        elif storage is not None:
            dependencies.use_storage(app_config, storage, self.registry, self._registration)
        identity = Identity(self.config.identify, app_config.middleware)
        app_config.dependencies[ACTOR] = Provide(identity.provide)
        streams = Streams(self.config.max_streams)
        app_config.dependencies[STREAMS] = Provide(lambda: streams, sync_to_thread=False)
        app_config.lifespan.append(self._lifespan(storage, identity, streams))
        if self.config.enable_api:
            app_config.route_handlers.append(self._router(identity))
            if self.config.include_api_in_schema:
                describe(app_config)
        if self.config.enable_ui:
            self._add_pages(app_config, identity)
        return app_config

    def on_cli_init(self, cli: Group) -> None:
        """Add the commands of `workflows` to those of `litestar`."""
        from workflows_cli.group import workflows  # noqa: PLC0415 - servers have no use for it

        cli.add_command(workflows)

    def receive_route(self, route: BaseRoute) -> None:
        """Learn which query parameters a route has."""
        note_parameters(route)

    def _open(self, app_config: AppConfig) -> Storage | None:
        """Return where the plugin keeps instances; `None` if all are the concern of the application's engine."""
        database = self.config.database
        if database is None:
            return None if dependencies.supplies_engine(app_config) else MemoryStorage()
        return cast("Storage", database) if _is_storage(database) else open_storage(database)

    def _lifespan(
        self, storage: Storage | None, identity: Identity, streams: Streams
    ) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
        @asynccontextmanager
        async def lifespan(_: Litestar) -> AsyncIterator[None]:
            is_open = (self.config.enable_api or self.config.enable_ui) and not identity.is_configured
            if is_open and not self.config.ui_demo_users:  # who names people to play knows that it is a play
                logger.warning(NO_IDENTITY)
            streams.begin()
            try:
                if storage is not None:
                    await self._start(storage)
                with when_stopped(streams.close):
                    yield
            finally:
                streams.close()
                await stop_runners()
                if storage is not None and not _is_storage(self.config.database):
                    await storage.close()

        return lifespan

    async def _start(self, storage: Storage) -> None:
        """Begin to work on what an earlier process left."""
        if self.config.database is None:
            logger.warning(IN_MEMORY)
        elif self.config.auto_upgrade:
            await storage.prepare()
        await ExecutionEngine(self.registry, storage).start_runner()

    def _router(self, identity: Identity) -> Router:
        config = self.config
        groups = [
            Router(
                "/",
                route_handlers=[controller],
                tags=self._tags(group),
                guards=[] if controller in OPEN else [*config.api_guards, identity.guard],
            )
            for group, controller in CONTROLLERS.items()
        ]
        return Router(
            config.api_path_prefix,
            route_handlers=groups,
            include_in_schema=config.include_api_in_schema,
            exception_handlers=exception_handlers(),
            before_request=refuse_unknown,
            opt={KNOWN: ()},
            request_max_body_size=MAX_BODY,
            security=config.api_security,
        )

    def _add_pages(self, app_config: AppConfig, identity: Identity) -> None:
        from workflows_litestar.ui.headers import add_headers  # noqa: PLC0415 - the API needs no templates
        from workflows_litestar.ui.site import ui_router  # noqa: PLC0415 - likewise

        config = self.config
        if identity.is_configured and config.ui_demo_users:
            raise ImproperlyConfiguredException(
                "WorkflowPluginConfig: ui_demo_users are for trying out. This application has an identity, so nobody can "
                "choose to be another."
            )
        guards = [*config.api_guards, identity.guard]
        app_config.route_handlers.append(ui_router(config.ui_path_prefix, guards, config.ui_demo_users))
        app_config.before_send.append(add_headers)

    def _tags(self, group: str) -> list[str]:
        tags = list(self.config.api_tags)
        return [*tags, group] if tags == list(DEFAULT_TAGS) else tags


def _is_storage(database: object) -> bool:
    return callable(getattr(database, "unit_of_work", None))
