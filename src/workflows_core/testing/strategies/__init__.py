"""Hypothesis strategies: data, definitions good and bad, and what may be asked of an instance.

    from hypothesis import given
    from workflows_core.testing import strategies as workflows

    @given(workflows.definitions())
    def test_it_draws_every_workflow(definition): ...

This package needs Hypothesis.
"""

from workflows_core.testing.strategies.commands import command_sequences, commands
from workflows_core.testing.strategies.data import json_objects, json_values, patches
from workflows_core.testing.strategies.definitions import (
    Broken,
    blocks,
    broken_definitions,
    definitions,
    free_definitions,
    structured_definitions,
)

__all__ = [
    "Broken",
    "blocks",
    "broken_definitions",
    "command_sequences",
    "commands",
    "definitions",
    "free_definitions",
    "json_objects",
    "json_values",
    "patches",
    "structured_definitions",
]
