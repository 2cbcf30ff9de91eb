"""`python -m workflows_cli` is `workflows`."""

from workflows_cli import main

main()
