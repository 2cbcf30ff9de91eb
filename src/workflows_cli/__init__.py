"""The `workflows` console script; its subcommands are found by entry point."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line, or say which extra is missing."""
    try:
        from workflows_cli.group import workflows  # noqa: PLC0415 - the script exists without its extra, too
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        sys.exit("The command line needs an extra: pip install 'workflows-litestar[cli]'")
    workflows(prog_name="workflows")
