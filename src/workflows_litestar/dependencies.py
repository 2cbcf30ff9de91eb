"""The engine and the registry that handlers ask for: the application's own, or else the plugin's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, TypeAlias
from weakref import WeakSet

from litestar.di import NamedDependency, Provide

from workflows_core.engine import ExecutionEngine
from workflows_core.registry import WorkflowRegistry
from workflows_litestar.providers import explicit

if TYPE_CHECKING:
    from litestar.config.app import AppConfig

    from workflows_core.definitions import WorkflowClass, WorkflowDefinition
    from workflows_core.ports import Storage

Engine: TypeAlias = NamedDependency[ExecutionEngine]
Registry: TypeAlias = NamedDependency[WorkflowRegistry]

ENGINE: Final = "workflow_engine"
REGISTRY: Final = "workflow_registry"
SESSION: Final = "session"


class Registration:
    """Registers the workflows of the configuration, once in each registry it meets."""

    def __init__(self, workflows: Iterable[type[WorkflowClass] | WorkflowDefinition]) -> None:
        self._workflows = tuple(workflows)
        self._done: WeakSet[WorkflowRegistry] = WeakSet()

    def into(self, registry: WorkflowRegistry) -> WorkflowRegistry:
        """Register them, and return the registry.

        Raises:
            InvalidDefinitionError: If one of them is not valid.
            DefinitionConflictError: If the registry knows one of them with other content.
        """
        if registry not in self._done:
            for workflow in self._workflows:
                registry.register(workflow)
            self._done.add(registry)
        return registry


def read_as_in_guide(app: AppConfig) -> None:
    """Accept what the application provides for us in the way the guide writes it."""
    known = frozenset(app.dependencies)
    for name in known & {ENGINE, REGISTRY, SESSION}:
        app.dependencies[name] = explicit(app.dependencies[name], known)


def supplies_engine(app: AppConfig) -> bool:
    """Say whether the application has an engine of its own."""
    return ENGINE in app.dependencies


def use_engine_of(app: AppConfig, registration: Registration) -> None:
    """Have handlers use the application's engine, which may be made for each request.

    Whoever asks for it gets it with the runner of its database at work: the first one starts that.
    """
    app.dependencies["application_workflow_engine"] = app.dependencies[ENGINE]

    async def provide_engine(application_workflow_engine: Engine) -> ExecutionEngine:
        registration.into(application_workflow_engine.registry)
        await application_workflow_engine.start_runner()
        return application_workflow_engine

    app.dependencies[ENGINE] = Provide(provide_engine)
    if REGISTRY in app.dependencies:
        _use_registry_of(app, registration)
        return

    async def provide_registry(workflow_engine: Engine) -> WorkflowRegistry:
        return workflow_engine.registry

    app.dependencies[REGISTRY] = Provide(provide_registry)


def use_storage(
    app: AppConfig, storage: Storage, registry: WorkflowRegistry, registration: Registration
) -> None:
    """Have handlers use an engine on a storage, with the application's registry if it has one."""
    if REGISTRY in app.dependencies:
        _use_registry_of(app, registration)
    else:

        async def provide_registry() -> WorkflowRegistry:
            return registry

        app.dependencies[REGISTRY] = Provide(provide_registry)

    async def provide_engine(workflow_registry: Registry) -> ExecutionEngine:
        engine = ExecutionEngine(workflow_registry, storage)
        await engine.start_runner()  # runs already, and learns of this registry
        return engine

    app.dependencies[ENGINE] = Provide(provide_engine)


def _use_registry_of(app: AppConfig, registration: Registration) -> None:
    app.dependencies["application_workflow_registry"] = app.dependencies[REGISTRY]

    async def provide_registry(application_workflow_registry: Registry) -> WorkflowRegistry:
        return registration.into(application_workflow_registry)

    app.dependencies[REGISTRY] = Provide(provide_registry)
