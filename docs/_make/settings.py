"""Writes options of the plugin, and the answers to errors, as Markdown."""

from __future__ import annotations

from dataclasses import MISSING, fields

from docs._make.comments import described
from docs._make.states import table
from workflows_litestar import WorkflowPluginConfig
from workflows_litestar.problems import KINDS


def plugin() -> str:
    """Write every option: its default, and what it does."""
    meanings = described(WorkflowPluginConfig)
    lines = []
    for one in fields(WorkflowPluginConfig):
        factory = one.default_factory
        default = one.default if one.default is not MISSING else factory() if factory is not MISSING else ...
        lines.append([f"`{one.name}`", f"`{_written(default)}`", meanings[one.name]])
    return table(["option", "default", "meaning"], lines)


def _written(default: object) -> str:
    return f'"{default}"' if isinstance(default, str) else repr(default)


def problems() -> str:
    """Write which error of the core becomes which answer."""
    lines = [
        [str(kind.status), f"`{kind.name}`", kind.title, f"`{error.__name__}`"]
        for error, kind in sorted(KINDS.items(), key=lambda each: (each[1].status, each[1].name))
    ]
    return table(["status", "what", "`title`", "error of the core"], lines)
