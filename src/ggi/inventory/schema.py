"""JSON Schemas of the inventory's files, generated from the models, so that editors complete and check them.

A schema accepts what the loader accepts, as far as JSON Schema can say it. It can't say what depends on other files
(does this region exist?) or on arithmetic (is this CIDR free of host bits?). Draft 7, which editors know best.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from ggi.inventory.fields import description
from ggi.inventory.layers import SETTINGS
from ggi.inventory.m365 import M365File
from ggi.inventory.merge import APPEND, LOCKED
from ggi.inventory.models import (
    ComponentSettings,
    EnvironmentSettings,
    NationalFile,
    RegionFile,
    Settings,
    TenantFile,
)
from ggi.inventory.network import NetworkFile
from ggi.inventory.registry import HerindelingenFile

Schema = dict[str, Any]
MODELS: Mapping[str, type[BaseModel]] = {
    "tenant": TenantFile,
    "region": RegionFile,
    "national": NationalFile,
    "network": NetworkFile,
    "m365": M365File,
    "herindelingen": HerindelingenFile,
}
"""The kinds of files that the inventory itself has."""
DRAFT = "http://json-schema.org/draft-07/schema#"
_REF = "#/$defs/"


def schemas(
    components: Mapping[str, type[ComponentSettings]], further: Mapping[str, type[BaseModel]]
) -> dict[str, Schema]:
    """All schemas by kind of file. `further` are the kinds that the catalogue has, such as "release"."""
    own = {kind: _each_once(_schema(model, components)) for kind, model in MODELS.items()}
    return own | {kind: _schema(model, components) for kind, model in further.items()}


def _each_once(schema: Any) -> Any:
    """`schema` with nothing twice in a list, as `ggi.inventory.names` has it."""
    if isinstance(schema, list):
        return [_each_once(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: _each_once(value) for key, value in schema.items()}
    return {**result, "uniqueItems": True} if schema.get("type") == "array" else result


def write_schemas(folder: Path, made: Mapping[str, Schema]) -> list[Path]:
    """Write `<kind>.schema.json` files; returns those that changed."""
    changed = stale(folder, made)
    folder.mkdir(parents=True, exist_ok=True)
    for path in changed:
        path.write_text(text_of(made[path.name.partition(".")[0]]), encoding="utf-8")
    return changed


def stale(folder: Path, made: Mapping[str, Schema]) -> list[Path]:
    """The files in `folder` that are missing or differ from what the models say."""
    paths = {kind: folder / f"{kind}.schema.json" for kind in made}
    return [
        path
        for kind, path in paths.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text_of(made[kind])
    ]


def text_of(schema: Schema) -> str:
    """A schema as the text of a file."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def _schema(model: type[BaseModel], components: Mapping[str, type[ComponentSettings]]) -> Schema:
    root, defs = _generated(model, "")
    root, defs = _said(root), {name: _said(schema) for name, schema in defs.items()}
    properties = root.get("properties", {})
    if "environments" in properties:
        own, more = _layered(EnvironmentSettings if model is TenantFile else Settings, "setting.")
        defs |= more | _components(components)
        own["properties"]["components"] = _component_map(components)
        defs["environment"] = own
        for key in SETTINGS:
            properties[key] = own["properties"][key]
        properties["environments"] = {
            **properties["environments"],
            "additionalProperties": {"$ref": f"{_REF}environment"},
        }
    elif model.__name__ == "ServiceFile":
        defs |= _components(components)
        properties["components"] = _component_map(components)
    used = dict.fromkeys(_reached(root, defs))
    result = {"$schema": DRAFT, **_tidy(root)}
    if used:
        result["$defs"] = {name: _tidy(defs[name]) for name in sorted(used)}
    return result


class _Described(GenerateJsonSchema):
    """With what stands under the fields of the models."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        for name, value in made.get("properties", {}).items():
            if name in schema["cls"].model_fields and (text := description(schema["cls"], name)):
                value["description"] = text
        return made


def _generated(model: type[BaseModel], prefix: str) -> tuple[Schema, dict[str, Schema]]:
    """The schema that pydantic makes, and its definitions with `prefix` before their names."""
    raw = model.model_json_schema(ref_template=f"{_REF}{prefix}{{model}}", schema_generator=_Described)
    return raw, {f"{prefix}{name}": schema for name, schema in raw.pop("$defs", {}).items()}


def _said(schema: Any) -> Any:
    """`schema` without null: what is no setting has no lower layer that null could take something back of."""
    if isinstance(schema, list):
        return [_said(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: _said(value) for key, value in schema.items()}
    forms = [form for form in result.get("anyOf", []) if form != {"type": "null"}]
    if len(forms) == 1:
        del result["anyOf"]
        return {**forms[0], **result}
    return {**result, "anyOf": forms} if forms else result


def _layered(model: type[BaseModel], prefix: str) -> tuple[Schema, dict[str, Schema]]:
    """The same for settings: every value may be locked, every list appended to, and another layer may hold the rest."""
    raw, defs = _generated(model, prefix)
    for schema in (raw, *defs.values()):
        if "properties" in schema:
            schema.pop("required", None)
            schema["properties"] = {key: _lockable(value) for key, value in schema["properties"].items()}
    return raw, defs


def _lockable(schema: Schema) -> Schema:
    """`schema`, or `{locked: ...}` around it; lists also as `{append: [...]}`."""
    plain = {key: value for key, value in schema.items() if key not in ("description", "default", "title")}
    forms: list[Schema] = []
    for form in plain.get("anyOf", [plain]):
        patterns = form.get("patternProperties")
        values = form.get("additionalProperties")
        if patterns or isinstance(values, dict):
            # A mapping with free names: `locked` and `append` are no names but words of ours.
            names = {"allOf": [form["propertyNames"], _OTHER]} if "propertyNames" in form else _OTHER
            form = {**form, "propertyNames": names}
            if patterns:
                form["patternProperties"] = {pattern: _lockable(item) for pattern, item in patterns.items()}
            else:
                form["additionalProperties"] = _lockable(values)
        forms.append(form)
        if form.get("type") == "array":
            forms.append(_wrapped(APPEND, form))
    inner = forms[0] if len(forms) == 1 else {"anyOf": forms}
    result: Schema = {"anyOf": [*forms, _wrapped(LOCKED, inner)]}
    return {**({"description": schema["description"]} if "description" in schema else {}), **result}


_OTHER: Schema = {"not": {"enum": [LOCKED, APPEND]}}


def _wrapped(word: str, schema: Schema) -> Schema:
    return {"type": "object", "properties": {word: schema}, "required": [word], "additionalProperties": False}


def _components(components: Mapping[str, type[ComponentSettings]]) -> dict[str, Schema]:
    """Definitions for each component's settings; what all components have is written once."""
    common, result = _layered(ComponentSettings, "common.")
    result |= {f"common.{key}": schema for key, schema in common["properties"].items()}
    for name, model in components.items():
        prefix = f"component.{name}."
        schema, defs = _layered(model, prefix)
        for key, value in schema["properties"].items():
            if json.dumps(value).replace(prefix, "common.") == json.dumps(common["properties"].get(key)):
                schema["properties"][key] = {"$ref": f"{_REF}common.{key}"}
        result |= {f"component.{name}": schema, **defs}
    return result


def _component_map(components: Mapping[str, type[ComponentSettings]]) -> Schema:
    return _lockable(
        {
            "description": "Settings per component.",
            "type": "object",
            "properties": {name: _lockable({"$ref": f"{_REF}component.{name}"}) for name in sorted(components)},
            "additionalProperties": False,
        }
    )


def _reached(schema: Any, defs: Mapping[str, Schema], seen: set[str] | None = None) -> Iterator[str]:
    """Names of all definitions that `schema` needs, directly or not."""
    seen = set() if seen is None else seen
    if isinstance(schema, list):
        for item in schema:
            yield from _reached(item, defs, seen)
    elif isinstance(schema, dict):
        name = str(schema.get("$ref", "")).removeprefix(_REF)
        if name and name not in seen:
            seen.add(name)
            yield name
            yield from _reached(defs[name], defs, seen)
        for value in schema.values():
            yield from _reached(value, defs, seen)


def _tidy(schema: Schema) -> Schema:
    """Without the titles that repeat names; a property that is called `title` stays.

    Names that fit no pattern are refused, as by the loader; pydantic leaves that out.
    """
    result: Schema = {"additionalProperties": False} if "patternProperties" in schema else {}
    for key, value in schema.items():
        if key == "title" and isinstance(value, str):
            continue
        if key in ("properties", "patternProperties", "$defs"):
            result[key] = {name: _tidy(item) for name, item in value.items()}
        elif isinstance(value, dict):
            result[key] = _tidy(value)
        elif isinstance(value, list):
            result[key] = [_tidy(item) if isinstance(item, dict) else item for item in value]
        else:
            result[key] = value
    return result
