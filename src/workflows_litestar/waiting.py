"""Answering when an instance has come to rest: a long poll, for so many seconds at most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

from litestar.params import QueryParameter

if TYPE_CHECKING:
    from workflows_core.engine import ExecutionEngine
    from workflows_core.instance import Instance

LONGEST: Final = 30
"""How many seconds an answer is put off at most."""

Wait: TypeAlias = Annotated[
    int,
    QueryParameter(
        description="Answer when nothing moves the instance any more but people, messages or time; after so many seconds "
        "in any case.",
        ge=0,
        le=LONGEST,
    ),
]


async def rested(engine: ExecutionEngine, instance: Instance, seconds: int) -> Instance:
    """Return an instance when it has come to rest, or as it is after so many seconds."""
    if not seconds or instance.is_resting:
        return instance
    try:
        return await engine.wait(instance.id, timeout=seconds)
    except TimeoutError:
        return await engine.get_instance(instance.id)
