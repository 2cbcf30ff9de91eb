"""Writes the REST API as Markdown, out of the OpenAPI document that the plugin serves."""

from __future__ import annotations

from typing import Any, Final

from litestar import Litestar

from docs._make.states import table
from workflows_litestar import WorkflowPlugin

_PREFIX: Final = "/workflows"
_METHODS: Final = ("get", "put", "post", "patch", "delete")


def document() -> dict[str, Any]:
    """Return the OpenAPI document of an application that is nothing but the plugin."""
    app = Litestar(plugins=[WorkflowPlugin()])
    return app.openapi_schema.to_schema()


def operations() -> str:
    """Write every operation: what it takes, and every answer it gives."""
    paths = document()["paths"]
    common = _common([operation["responses"] for path in paths.values() for operation in path.values()])
    return "\n\n".join(
        _operation(method, path, paths[path][method], common)
        for path in sorted(paths, key=_order)
        for method in _METHODS
        if method in paths[path]
    )


def _order(path: str) -> tuple[str, ...]:
    return tuple(path.split("/"))


def schemas() -> str:
    """Write every type of body: its fields, their types, and what they mean."""
    found = document()["components"]["schemas"]
    return "\n\n".join(_schema(name, found[name]) for name in sorted(found))


def _operation(method: str, path: str, said: dict[str, Any], common: set[str]) -> str:
    about = " ".join(filter(None, [said.get("summary", "") + ".", said.get("description")]))
    parts = [f"### `{method.upper()} {path.removeprefix(_PREFIX) or '/'}`", about]
    if said.get("parameters"):
        parts.append(_parameters(said["parameters"]))
    if "requestBody" in said:
        parts.append(f"Takes {_content(said['requestBody'])}.")
    parts.append(_answers(said["responses"], common))
    return "\n\n".join(parts)


def _parameters(given: list[dict[str, Any]]) -> str:
    lines = [
        [
            f"`{one['name']}`",
            one["in"] + ("" if one.get("required") else ", optional"),
            _type(one["schema"]) + _default(one["schema"]),
            one.get("description") or one["schema"].get("description", ""),
        ]
        for one in given
    ]
    return table(["parameter", "in", "type", "meaning"], lines)


def refusals() -> str:
    """Write what each refusing status means, and which of them any operation may answer with."""
    all_answers = [
        operation["responses"] for path in document()["paths"].values() for operation in path.values()
    ]
    meanings = {
        status: one["description"]
        for answers in all_answers
        for status, one in answers.items()
        if _is_refusal(status)
    }
    lines = [
        [status, meanings[status], "any operation" if status in _common(all_answers) else "some operations"]
        for status in sorted(meanings)
    ]
    return table(["status", "meaning", "answered by"], lines)


def _is_refusal(status: str) -> bool:
    return status >= "400"


def _common(all_answers: list[dict[str, Any]]) -> set[str]:
    """Return the refusals that every operation has."""
    return set.intersection(
        *({status for status in answers if _is_refusal(status)} for answers in all_answers)
    )


def _answers(given: dict[str, Any], common: set[str]) -> str:
    good = [
        f"`{status}` with {_content(one)}" for status, one in sorted(given.items()) if not _is_refusal(status)
    ]
    bad = [status for status in sorted(given) if _is_refusal(status) and status not in common]
    refused = f" Refuses with {', '.join(bad)}." if bad else ""
    return f"Answers {' or '.join(good)}.{refused}"


def _content(said: dict[str, Any]) -> str:
    types = {_type(one["schema"]) for one in said.get("content", {}).values() if "schema" in one}
    return " or ".join(sorted(types)) or "none"


def _schema(name: str, said: dict[str, Any]) -> str:
    parts = [f"### {name}"]
    if said.get("description"):
        parts.append(said["description"])
    required = said.get("required", ())
    fields = said.get("properties", {})
    lines = [
        [
            f"`{field}`" + ("" if field in required else " (optional)"),
            _type(one) + _default(one),
            one.get("description", ""),
        ]
        for field, one in fields.items()
    ]
    parts.append(table(["field", "type", "meaning"], lines) if lines else f"Type: {_type(said)}.")
    return "\n\n".join(parts)


def _type(said: dict[str, Any]) -> str:
    """Say what kind of value a schema describes."""
    match said:
        case {"$ref": str() as reference}:
            name = reference.rsplit("/", 1)[-1]
            return f"[{name}](#{name.lower()})"
        case {"enum": list() as values}:
            return ", ".join(f"`{value}`" for value in values if value is not None)
        case {"oneOf": list() as kinds} | {"anyOf": list() as kinds} | {"allOf": list() as kinds}:
            return " or ".join(dict.fromkeys(map(_type, kinds)))
        case {"type": "array", **rest}:
            return f"list of {_type(rest.get('items', {}))}"
        case {"type": list() as kinds}:
            return " or ".join(_type({**said, "type": kind}) for kind in kinds)
        case {"type": str() as kind}:
            return kind + (f" ({said['format']})" if "format" in said else "")
    return "any JSON"


def _default(said: dict[str, Any]) -> str:
    value = said.get("default")
    return "" if value is None or value in ([], {}, "") else f", default `{value}`"
