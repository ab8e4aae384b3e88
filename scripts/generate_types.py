"""Writes the dashboard's TypeScript types from the server's structs: ``python scripts/generate_types.py``.

Two files go to web/src/schema: ``messages.ts`` for the compiler, ``definitions.ts`` for the check that every message
from the collector passes once. Both are committed, and a test generates them again and compares.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

from tenure_server.diagram.steps import Diagram, Operation, Step
from tenure_server.live.messages import MAX_LIMIT, ClientMessage, ServerMessage
from tenure_server.model.records import Lifecycle, Outcome, Phase
from tenure_server.offline.archive.contents import Archive

SCHEMA = Path(__file__).parent.parent / "web" / "src" / "schema"
HEAD = "// Made by scripts/generate_types.py from the server's structs. Do not edit: change the structs and run it.\n"
ROOTS = [ServerMessage, ClientMessage, Diagram, Lifecycle, Archive]
UNIONS = {
    "Outcome": Outcome,
    "Phase": Phase,
    "Step": Step,
    "Operation": Operation,
    "ServerMessage": ServerMessage,
    "ClientMessage": ClientMessage,
}

Schema = dict[str, Any]


def main() -> int:
    for name, text in generate().items():
        (SCHEMA / name).write_text(text, encoding="utf-8")
    return 0


def generate() -> dict[str, str]:
    """The files by name, as they must stand in web/src/schema."""
    unions, components = msgspec.json.schema_components([*UNIONS.values(), *ROOTS])
    named = dict(zip(UNIONS, unions[: len(UNIONS)], strict=True))
    aliases = {_type(schema): name for name, schema in named.items() if "$ref" not in schema}
    return {
        "messages.ts": _messages(named, components, aliases),
        "definitions.ts": _definitions(named, components),
    }


def _messages(named: Schema, components: Schema, aliases: dict[str, str]) -> str:
    lines = [
        HEAD,
        "// On the wire every field is present; integers past 2^53 (times in ns) arrive rounded to about 256 ns.",
        "",
        f"export const MAX_LIMIT = {MAX_LIMIT};",
    ]
    for name, schema in named.items():
        lines += ["", f"export type {name} = {_type(schema)};"]
    for name, schema in components.items():
        lines += [""]
        if text := schema.get("description"):
            lines += _comment([line.strip() for line in text.splitlines()])
        lines += [f"export interface {name} {{"]
        for field, of in schema["properties"].items():
            kind = _type(of)
            lines += [f"  {field}: {aliases.get(kind, _aliased(kind, aliases))};"]
        lines += ["}"]
    return "\n".join(lines) + "\n"


def _comment(text: list[str]) -> list[str]:
    return [f"/** {text[0]} */"] if len(text) == 1 else ["/**", *(f" * {line}".rstrip() for line in text), " */"]


def _aliased(kind: str, aliases: dict[str, str]) -> str:
    for union, name in aliases.items():
        kind = kind.replace(f"({union})[]", f"{name}[]").replace(f"{union} | null", f"{name} | null")
    return kind


def _type(schema: Schema) -> str:  # noqa: PLR0911  one answer for each kind of schema
    """The TypeScript type of a JSON schema, as far as msgspec makes use of JSON schema here."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(msgspec.json.encode(value).decode() for value in schema["enum"])
    if "anyOf" in schema:
        return " | ".join(_type(one) for one in schema["anyOf"])
    match schema["type"]:
        case "array":
            item = _type(schema["items"])
            return f"({item})[]" if " | " in item else f"{item}[]"
        case "object":
            return f"Record<string, {_type(schema['additionalProperties'])}>"
        case "integer" | "number":
            return "number"
        case kind:
            return str(kind)


def _definitions(named: Schema, components: Schema) -> str:
    slim = {name: _slim(schema) for name, schema in (components | named).items() if "$ref" not in schema}
    lines = [
        HEAD,
        'import type { Definition } from "./definition.ts";',
        "",
        "export const definitions: Record<string, Definition> = {",
        *(f"  {name}: {msgspec.json.encode(schema).decode()}," for name, schema in slim.items()),
        "};",
    ]
    return "\n".join(lines) + "\n"


def _slim(schema: Schema) -> Schema:  # noqa: PLR0911  one answer for each kind of schema
    """What a check at run time needs of a JSON schema."""
    if "$ref" in schema:
        return {"ref": schema["$ref"].rpartition("/")[2]}
    if "enum" in schema:
        return {"enum": schema["enum"]}
    if "discriminator" in schema:
        by = schema["discriminator"]
        return {
            "tag": by["propertyName"],
            "of": {tag: {"ref": ref.rpartition("/")[2]} for tag, ref in by["mapping"].items()},
        }
    if "anyOf" in schema:
        return {"any": [_slim(one) for one in schema["anyOf"]]}
    match schema["type"]:
        case "array":
            return {"items": _slim(schema["items"])}
        case "object" if "properties" in schema:
            return {"fields": {name: _slim(of) for name, of in schema["properties"].items()}}
        case "object":
            return {"values": _slim(schema["additionalProperties"])}
        case kind:
            return {"type": "number" if kind == "integer" else kind}


if __name__ == "__main__":
    sys.exit(main())
