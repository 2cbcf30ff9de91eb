"""Writes the states of tokens, tasks and instances as Markdown, out of the tables that the machine asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from docs._make.charts import STAYS, Moves, chart, rows
from docs._make.comments import described
from workflows_core.states import INSTANCE_COMMANDS, TASK_MOVES, TOKEN_MOVES, InstanceStatus


def named(moves: Mapping[StrEnum, Mapping[str, StrEnum]]) -> Moves:
    """Return a table of the core with names in the place of members."""
    return {
        state.value: {event: target.value for event, target in events.items()}
        for state, events in moves.items()
    }


TOKENS: Moves = named(TOKEN_MOVES)  # type: ignore[arg-type]  # a mapping is invariant in its keys
TASKS: Moves = named(TASK_MOVES)  # type: ignore[arg-type]  # likewise


def token_chart(palette: str) -> str:
    """Draw the moves of tokens."""
    return chart("The states of a token and the events that lead from one to another", TOKENS, palette)


def task_chart(palette: str) -> str:
    """Draw the moves of tasks."""
    return chart("The states of a task and the events that lead from one to another", TASKS, palette)


def tokens() -> str:
    """Write states and moves of tokens."""
    return _states(type(next(iter(TOKEN_MOVES))), TOKENS) + "\n\n" + _moves(TOKENS)


def tasks() -> str:
    """Write states and moves of tasks."""
    return _states(type(next(iter(TASK_MOVES))), TASKS) + "\n\n" + _moves(TASKS)


def instances() -> str:
    """Write which command is allowed in which status of an instance."""
    commands = sorted({command for allowed in INSTANCE_COMMANDS.values() for command in allowed})
    meanings = described(InstanceStatus)
    head = ["status", *(f"`{command}`" for command in commands)]
    if any(meanings.values()):
        head.insert(1, "meaning")
    lines = []
    for status in InstanceStatus:
        marks = ["✓" if command in INSTANCE_COMMANDS[status] else "" for command in commands]
        lines.append(
            [f"`{status}`", *([meanings[status.name]] if len(head) > len(marks) + 1 else []), *marks]
        )
    return table(head, lines)


def _states(kind: type[StrEnum], moves: Moves) -> str:
    """Write what each state means, and what lists say of it where that is less."""
    meanings = described(kind)
    has_status = hasattr(kind, "status")
    lines = []
    for state in kind:
        line = [
            f"`{state}`",
            " ".join(filter(None, [meanings[state.name], "" if moves[state] else "Final."])),
        ]
        lines.append([*line, f"`{getattr(state, 'status')}`"] if has_status else line)  # noqa: B009 - not all have it
    return table(["state", "meaning", *(["status in lists"] if has_status else [])], lines)


def _moves(moves: Moves) -> str:
    lines = [
        [
            f"`{event}`",
            ", ".join(f"`{state}`" for state in states),
            "stays as it is" if target == STAYS else f"`{target}`",
        ]
        for event, states, target in rows(moves)
    ]
    return table(["event", "may happen in", "leads to"], lines)


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table."""
    written = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in written)
