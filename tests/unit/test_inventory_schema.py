"""The JSON Schemas: fresh, accepted by every shipped file, and of one mind with the loader."""

from __future__ import annotations

import contextlib
import copy
import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from ggi.catalogue.content import ServiceFile
from ggi.catalogue.release import ReleaseFile
from ggi.cli.main import main
from ggi.errors import Problem
from ggi.inventory.layers import LAYERED, alone
from ggi.inventory.load import Inventory
from ggi.inventory.marks import NameKind
from ggi.inventory.models import TenantFile
from ggi.inventory.schema import Schema, schemas, stale
from ggi.inventory.tree import parse, read
from ggi.inventory.types import Cpu, Memory, StorageSize, quantity
from ggi.inventory.validate import validate
from ggi.paths import ROOT
from tests.content import catalogue

SHIPPED = ROOT / "inventories"
KINDS = {
    "tenant": SHIPPED / "tenants",
    "region": SHIPPED / "regions",
    "network": SHIPPED / "networks",
    "m365": SHIPPED / "m365",
    "release": ROOT / "stacks" / "releases",
    "service": ROOT / "stacks" / "services",
}
FILES = [(kind, path) for kind, folder in KINDS.items() for path in sorted(folder.glob("*.yaml"))]
FILES += [("national", SHIPPED / "national.yaml"), ("herindelingen", SHIPPED / "registry" / "herindelingen.yaml")]


@functools.cache
def made() -> dict[str, Schema]:
    return schemas(catalogue().known.components, {"release": ReleaseFile, "service": ServiceFile})


@functools.cache
def validator(kind: str) -> jsonschema.Draft7Validator:
    checker = jsonschema.FormatChecker(formats=["date"])
    return jsonschema.Draft7Validator(made()[kind], format_checker=checker)


def test_the_schemas_in_the_tree_are_fresh() -> None:
    assert not stale(SHIPPED / "schema", made()), "run: ./ggi schema"


def test_check_fails_on_a_stale_schema_and_writing_makes_it_fresh(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "national.yaml").write_text("{}\n", encoding="utf-8")
    where = ["--inventory", str(tmp_path)]
    assert main([*where, "schema", "--check"]) == 1
    assert "ggi schema" in capsys.readouterr().out
    assert main([*where, "schema"]) == 0
    assert main([*where, "schema", "--check"]) == 0
    (tmp_path / "schema" / "tenant.schema.json").write_text("{}", encoding="utf-8")
    assert main([*where, "schema", "--check"]) == 1


@pytest.mark.parametrize("kind", sorted(made()))
def test_a_schema_is_a_schema_and_explains_itself(kind: str) -> None:
    schema = made()[kind]
    jsonschema.Draft7Validator.check_schema(schema)
    assert schema["description"]
    assert len(json.dumps(schema)) < 150_000


@pytest.mark.parametrize(("kind", "path"), FILES, ids=[f"{k}-{p.stem}" for k, p in FILES])
def test_a_shipped_file_fits_its_schema_and_names_it_in_its_first_line(kind: str, path: Path) -> None:
    errors = [e.message for e in validator(kind).iter_errors(read(path, path.name).plain())]
    assert not errors
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    assert (path.parent / first.partition("=")[2]).resolve() == SHIPPED / "schema" / f"{kind}.schema.json"


@pytest.mark.parametrize("kind", ["tenant", "region", "national", "network", "m365", "herindelingen"])
def test_every_key_of_the_inventory_is_explained_in_the_editor(kind: str) -> None:
    schema = made()[kind]
    own = [schema, *(d for n, d in schema.get("$defs", {}).items() if not n.startswith("component."))]
    silent = [
        key
        for holder in own
        for key, value in holder.get("properties", {}).items()
        if "description" not in value and "$ref" not in value
    ]
    assert not silent


BASE: dict[str, Any] = {
    "gemeente": "GM9901",
    "name": "Rijnstad",
    "inhabitants": 160000,
    "oin": "00000099990100000000",
    "region": "midden",
    "ring": 1,
    "state": "active",
    "herindeling": {"into": "GM9902", "date": "2028-01-01"},
    "services": ["fsc"],
    "window": {"locked": "di 20:00-23:00"},
    "inputs": {"fscmanager.certificate": {"on": "2026-09-14"}},
    "rotation": {"current": 3, "accept": {"append": [2]}},
    "components": {
        "postgresql": {"external": {"host": "pg.test", "port": 5432, "cidrs": ["10.1.0.0/24"]}},
        "openzaak": {"replicas": {"locked": 3}, "resources": {"web": {"cpu": "500m", "memory": "1Gi"}}},
        "openformulieren": {"embedded_on": {"append": ["www.rijnstad.test"]}},
        "redis": {"locked": {"databases": {"openzaak-cache": 4}}},
    },
    "environments": {
        "prod": {"release": "2026.3", "domain": "rijnstad.test", "live": "2027-01-01", "services": {"append": ["fsc"]}},
        "acceptatie": {"release": {"locked": "2026.4"}, "namespace": "rijnstad-acc"},
    },
}
SPARE = [
    None, True, False, 0, 1, 25, -1, 1.5, "", "x", "GM9903", "2026.4", "2026-01-01", "2026-02-30", "a.test", "prod",
    "10.0.0.0/8", "500m", [], ["x"], ["fsc"], {}, {"locked": 1}, {"locked": "x"}, {"locked": {"locked": 1}},
    {"append": ["x"]}, {"append": "x"}, {"append": [], "locked": 1}, {"locked": {"append": ["fsc"]}}, {"x": 1},
    {"enabled": True}, {"current": 1},
]  # fmt: skip
NAMES = [
    "locked",
    "append",
    "x",
    "replicas",
    "enabled",
    "live",
    "namespace",
    "domain",
    "openklant",
    "prod",
    "test",
    "on",
]


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _paths(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _paths(item, (*path, index))


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """The base with a few places replaced, removed or added."""
    value = copy.deepcopy(BASE)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from([p for p in _paths(value) if p]))
        holder: Any = value
        for step in path[:-1]:
            holder = holder[step]
        kind = draw(st.sampled_from(["replace", "remove", "add", "lock"]))
        if kind == "replace":
            holder[path[-1]] = copy.deepcopy(draw(st.sampled_from(SPARE)))
        elif kind == "remove":
            del holder[path[-1]]
        elif kind == "lock":
            holder[path[-1]] = {"locked": holder[path[-1]]}
        elif isinstance(holder, dict):
            holder[draw(st.sampled_from(NAMES))] = copy.deepcopy(draw(st.sampled_from(SPARE)))
    return value


def loader_accepts(value: dict[str, Any]) -> bool:
    """Does the loader find this file in order by itself, before it looks at others?"""
    problems: list[Problem] = []
    opened = alone(parse(json.dumps(value), "f"))
    inventory = Inventory(SHIPPED, catalogue().known)
    # Which names other files and the catalogue have is what a schema can't say; of components alone it has a list.
    inventory.names = {(NameKind.COMPONENT, ""): inventory.known.components}
    inventory.check_components(opened, TenantFile, problems)
    validate(opened, TenantFile, problems, partial=LAYERED)
    return not problems


def test_the_base_of_the_mutations_is_in_order() -> None:
    assert loader_accepts(BASE)
    assert validator("tenant").is_valid(BASE)


NO_CIDR = copy.deepcopy(BASE)
NO_CIDR["components"]["postgresql"]["external"]["cidrs"] = ["2026.4"]
A_WORD = copy.deepcopy(BASE)
A_WORD["components"]["redis"] = {"databases": {"openzaak-cache": 4, "locked": 0}}
WORDS = copy.deepcopy(BASE)
WORDS["components"]["redis"]["locked"]["databases"] = {"locked": {"locked": 1}}


MUCH = copy.deepcopy(BASE)
MUCH["components"]["openzaak"]["resources"] = {"web": {"cpu": "2026.4", "memory": "1Gi"}}


def beyond(value: Any) -> bool:
    """Whether an amount in it is well written, and more or less than may be: a pattern knows the form alone."""
    if isinstance(value, dict):
        return any(_much(key, item) or beyond(item) for key, item in value.items())
    return isinstance(value, list) and any(map(beyond, value))


def _much(key: str, value: Any) -> bool:
    if isinstance(value, dict) and "locked" in value:
        value = value["locked"]
    if key not in BOUNDS or not isinstance(value, str):
        return False
    with contextlib.suppress(ValueError):
        return not BOUNDS[key][0] <= quantity(value) <= BOUNDS[key][1]
    return False


BOUNDS = {
    key: (quantity(kind.__metadata__[0].least), quantity(kind.__metadata__[0].greatest))
    for key, kind in (("cpu", Cpu), ("memory", Memory), ("storage", StorageSize))
}


def test_an_amount_beyond_what_may_be_is_refused_by_the_loader() -> None:
    assert beyond(MUCH) and not beyond(BASE)
    assert not loader_accepts(MUCH)


@example(NO_CIDR)
@example(A_WORD)
@example(WORDS)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents())
def test_editor_and_loader_agree_on_every_mutation(value: dict[str, Any]) -> None:
    assume(not beyond(value))
    errors = [f"{list(e.absolute_path)}: {e.message[:200]}" for e in validator("tenant").iter_errors(value)]
    assert loader_accepts(value) == (not errors), errors


@pytest.mark.parametrize(
    "case",
    ["unknown-key", "unknown-key-of-a-component", "wrong-type", "unquoted-release", "unknown-component", "bad-oin"],
)
def test_what_the_corpus_refuses_in_one_tenant_file_the_schema_refuses_too(case: str) -> None:
    path = ROOT / "tests" / "corpus" / case / "tenants" / "gm9901.yaml"
    assert not validator("tenant").is_valid(read(path, "f").plain())
