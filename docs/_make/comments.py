"""Reads what the code says about its own parts: the strings below members and fields, and `Attributes:`."""

from __future__ import annotations

import ast
import inspect
import re
from textwrap import dedent


def described(kind: type) -> dict[str, str]:
    """Return what stands below each name assigned in a class, in one line; empty where nothing does."""
    (definition,) = ast.parse(dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)
    found: dict[str, str] = {}
    name = ""
    for node in definition.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                found[name] = ""
            case ast.Expr(value=ast.Constant(value=str() as words)) if name:
                found[name] = _one_line(words)
            case _:
                pass
    return found


def attributes(kind: type) -> dict[str, str]:
    """Return what the docstring of a class says about its attributes, in one line each."""
    section = re.search(r"^Attributes:\n((?: .*\n?|\n)+)", inspect.getdoc(kind) or "", re.MULTILINE)
    if section is None:
        return {}
    items = re.split(r"^    (?=\w+:)", section[1], flags=re.MULTILINE)[1:]
    return {name: _one_line(words) for name, _, words in (item.partition(":") for item in items)}


def first_sentence(words: str) -> str:
    """Return the first sentence, in one line."""
    return re.split(r"(?<=[.!?])\s", _one_line(words), maxsplit=1)[0]


def _one_line(words: str) -> str:
    return " ".join(words.split())
