"""Runs a Python snippet of the guide as it stands there, with other import lines.

This is everything that is changed, and every other line reaches Python as it is printed:

* `litestar_workflows` is imported from where it now is, `litestar_workflows.db` likewise;
* `create_async_engine` is imported from `guide.prepared`: the guide's database server does not exist;
* `route_handlers=[...]` is a place for the reader's own routes, and Litestar rightly refuses an ellipsis as one:
  the harness has none to add, so it is taken out of the list after parsing. The text is not touched.
"""

import ast
import builtins
import re
import sys
from types import ModuleType
from typing import Any

from guide.rst import Block, path

MOVED = {"litestar_workflows": "workflows_litestar", "litestar_workflows.db": "workflows_sqla"}
PREPARED = {("sqlalchemy.ext.asyncio", "create_async_engine"): "guide.prepared"}


def with_our_imports(text: str) -> str:
    """The snippet with its import lines changed; every line stays at its place."""
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.ImportFrom) or node.module is None:
            continue
        begin, end = node.lineno - 1, node.end_lineno or node.lineno
        if node.module in MOVED:
            lines[begin] = re.sub(rf"\b{re.escape(node.module)}\b", MOVED[node.module], lines[begin], count=1)
        elif any((node.module, alias.name) in PREPARED for alias in node.names):
            indent = " " * node.col_offset
            lines[begin:end] = [indent + "; ".join(_split(node)), *[""] * (end - begin - 1)]
    return "\n".join(lines) + "\n"


def _split(node: ast.ImportFrom) -> list[str]:
    """One import statement for each module that the names now come from."""
    sources: dict[str, list[str]] = {}
    for alias in node.names:
        name = ast.unparse(alias)
        sources.setdefault(PREPARED.get((str(node.module), alias.name), str(node.module)), []).append(name)
    return [f"from {module} import {', '.join(names)}" for module, names in sources.items()]


class _NoPlaceholder(ast.NodeTransformer):
    """Takes the `...` out of `route_handlers=[...]`."""

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        self.generic_visit(node)
        if node.arg == "route_handlers" and isinstance(node.value, ast.List):
            node.value.elts = [
                item
                for item in node.value.elts
                if not (isinstance(item, ast.Constant) and item.value is Ellipsis)
            ]
        return node


def free_names(text: str) -> set[str]:
    """The names that a snippet takes from its surroundings: used at any depth, bound nowhere."""
    bound, used = set(dir(builtins)), set()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                used.add(name)
            case ast.Name(id=name) | ast.arg(arg=name):
                bound.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                bound.add(name)
            case ast.alias(name=name, asname=other):
                bound.add(other or name.partition(".")[0])
    return used - bound


def run(block: Block, **given: Any) -> Any:
    """Run a snippet and return it as a module.

    Args:
        block: The snippet.
        given: Exactly the names that it takes from its surroundings. A name that it does not ask for, or one that
            is missing, is an error of the harness.
    """
    wanted = free_names(block.text)
    if wanted != set(given):
        raise ValueError(
            f"{block} takes {sorted(wanted)} from its surroundings, and is given {sorted(given)}."
        )
    tree = _NoPlaceholder().visit(ast.parse(with_our_imports(block.text)))
    ast.increment_lineno(tree, block.line - 1)  # tracebacks name the line of the guide
    module: Any = ModuleType(f"guide_line_{block.line}", block.name)
    # Litestar looks up annotations in the module that a function says it is from.
    sys.modules[module.__name__] = module
    vars(module).update(given)
    exec(compile(tree, str(path()), "exec", dont_inherit=True), vars(module))
    return module
