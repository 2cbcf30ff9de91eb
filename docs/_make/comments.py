"""Reads what the code says about its own parts: the strings below members and fields, and `Attributes:`."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Sequence
from textwrap import dedent
from types import ModuleType


def described(where: type | ModuleType) -> dict[str, str]:
    """Return what stands below each name assigned in a class or a module, in one line; empty where nothing does."""
    found: dict[str, str] = {}
    name = ""
    for node in _statements(where):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                found[name] = ""
            case ast.Expr(value=ast.Constant(value=str() as words)) if name:
                found[name] = _one_line(words)
            case _:
                pass
    return found


def written(module: ModuleType) -> list[str]:
    """Return the names that a module makes, in the order in which it is read."""
    found = []
    for node in _statements(module):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                found.append(name)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                found.append(name)
            case _:
                pass
    return found


def _statements(where: type | ModuleType) -> Sequence[ast.stmt]:
    found = ast.parse(dedent(inspect.getsource(where))).body
    return found[0].body if isinstance(where, type) and isinstance(found[0], ast.ClassDef) else found


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
