"""Contracts: a landscape asks of a program what the program can do, and a wrong fact is noticed, whatever its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from ggi.catalogue.contract import (
    FOLDER,
    ComponentContract,
    Contracts,
    MadeFact,
    MemoryFact,
    Program,
    ReachFact,
    load_contracts,
)
from ggi.errors import Problem
from ggi.landscape.build import Landscape
from ggi.landscape.conformity import HEADROOM, check, missing_contracts
from ggi.paths import ROOT
from tests.content import catalogue, landscapes
from tests.example import drawn, mirrored

RELEASES = sorted(catalogue().releases)


@cache
def contracts() -> Contracts:
    return catalogue().contracts


@pytest.mark.parametrize("built", landscapes(), ids=lambda built: built.stack)
def test_every_example_asks_what_the_programs_can_do(built: Landscape) -> None:
    assert [str(problem) for problem in check(built, contracts())] == []
    assert not list(missing_contracts(built, contracts()))


@pytest.mark.parametrize("release", RELEASES)
def test_every_version_of_a_release_has_a_contract_with_its_images(release: str) -> None:
    for name, version in catalogue().releases[release].model.components.items():
        contract = contracts()[name, version.version]
        assert contract.programs.keys() == version.images.keys(), contract.origin


def test_every_contract_is_of_a_version_that_a_release_has() -> None:
    used = {(n, v.version) for r in catalogue().releases.values() for n, v in r.model.components.items()}
    assert set(contracts()) == used


def test_every_source_says_where(tmp_path: Path) -> None:
    for path in sorted((ROOT / FOLDER).glob("*.yaml")):
        for name, source in yaml.safe_load(path.read_text(encoding="utf-8")).get("sources", {}).items():
            assert source["project"] != "measured" or source["note"], (path, name)
            assert source.get("file") or source.get("note") or "://" in source["project"], (path, name)


@cache
def reference() -> Landscape:
    """The example with everything on, in the newer release of its components."""
    return next(built for built in landscapes() if built.stack == "gm9901-accp")


def program_of(
    contract: ComponentContract, change: Callable[[Program], Program], image: str = "main"
) -> ComponentContract:
    return replace(contract, programs={**contract.programs, image: change(contract.programs[image])})


def facts(program: Program, kind: str, change: Callable[[Any], Any]) -> Program:
    """The program with each fact of a kind changed, or left out where `change` gives None."""
    kept = tuple(new for fact in getattr(program, kind) if (new := change(fact)) is not None)
    return replace(program, **{kind: kept})


def without(fact: Any, field: str, value: Any) -> Any:
    return fact.model_copy(update={field: [item for item in getattr(fact, field) if item != value]})


def unread(name: str) -> Callable[[ComponentContract], ComponentContract]:
    return lambda c: program_of(c, lambda p: facts(p, "environment", lambda f: without(f, "names", name)))


def dropped(
    kind: str, matches: Callable[[Any], bool], image: str = "main"
) -> Callable[[ComponentContract], ComponentContract]:
    return lambda c: program_of(c, lambda p: facts(p, kind, lambda f: None if matches(f) else f), image)


def said(fact: Any, pattern: str) -> Any:
    return fact.model_copy(update={"said": fact.said.model_copy(update={"pattern": pattern})})


WRONG: Mapping[str, tuple[str, Callable[[ComponentContract], ComponentContract], str]] = {
    "variable": ("openzaak", unread("SITE_DOMAIN"), "SITE_DOMAIN is set, which Open Zaak 1.30.0 does not read"),
    "secret": ("openzaak", unread("SECRET_KEY"), "SECRET_KEY is set, which Open Zaak 1.30.0 does not read"),
    "required variable": (
        "fsctxlog",
        lambda c: program_of(
            c,
            lambda p: facts(
                p, "environment", lambda f: f.model_copy(update={"names": [*f.names, "NEEDED"]}) if f.required else f
            ),
        ),
        "FSC transactielog 2.5.2 needs NEEDED, which is not set",
    ),
    "port": (
        "redis",
        lambda c: program_of(c, lambda p: facts(p, "ports", lambda f: said(f, "^port ([1-9].*)$"))),
        "Redis 7.4.5 does not listen on port 6379",
    ),
    "port of a container beside": (
        "openzaak",
        lambda c: program_of(
            c, lambda p: facts(p, "ports", lambda f: f.model_copy(update={"port": 8080, "said": None})), "nginx"
        ),
        "Open Zaak 1.30.0 (nginx) does not listen on port 8443",
    ),
    "probe page that a file decides": (
        "openklant",
        lambda c: program_of(c, lambda p: facts(p, "probes", lambda f: said(f, "^ *location (/.*) ")), "nginx"),
        "Open Klant 2.18.0 (nginx) has no page or command /_health/ for probes",
    ),
    "image": (
        "opennotificaties",
        lambda c: replace(c, programs={"main": c.programs["main"]}),
        "the contract says nothing about the image of Open Notificaties 1.16.2 (nginx)",
    ),
    "user of a container beside": (
        "openformulieren",
        lambda c: program_of(c, lambda p: facts(p, "users", lambda f: f.model_copy(update={"ids": [1000]})), "nginx"),
        "Open Formulieren 3.5.6 (nginx) can't run as user 101",
    ),
    "folder of a container beside": (
        "fsccontroller",
        lambda c: program_of(c, lambda p: facts(p, "writable", lambda f: without(f, "paths", "/tmp")), "nginx"),  # noqa: S108
        "FSC Controller 2.5.2 (nginx) does not write to /tmp",
    ),
    "program in a script of a container beside": (
        "openzaak",
        dropped("commands", lambda f: f.command == ["nginx", "-s", "reload"], "nginx"),
        "Open Zaak 1.30.0 (nginx) has no command nginx -s reload",
    ),
    "program in a script of a probe": (
        "redis",
        dropped("commands", lambda f: f.command == ["cmp"]),
        "Redis 7.4.5 has no command cmp -s - ",
    ),
    "probe page": (
        "keycloak",
        dropped("probes", lambda f: f.path == "/health/ready"),
        "Keycloak 26.7.3 has no page or command /health/ready for probes",
    ),
    "use of a probe page": (
        "openklant",
        lambda c: program_of(
            c,
            lambda p: facts(
                p,
                "probes",
                lambda f: f.model_copy(update={"fits": ["readiness"]}) if f.path == "/_healthz/readyz/" else f,
            ),
        ),
        "/_healthz/readyz/ is no startup probe: it checks the database and the default cache",
    ),
    "probe command": (
        "openklant",
        dropped("probes", lambda f: f.command[1:] == ["worker-health-check"]),
        "for probes",
    ),
    "command": (
        "opennotificaties",
        dropped("commands", lambda f: f.command == ["/celery_beat.sh"]),
        "Open Notificaties 1.16.2 has no command /celery_beat.sh",
    ),
    "command in a script": (
        "openobject",
        dropped("commands", lambda f: f.command[-1] == "setup_configuration"),
        "Open Object 4.2.1 has no command python src/manage.py setup_configuration",
    ),
    "user": (
        "redis",
        lambda c: program_of(c, lambda p: facts(p, "users", lambda f: f.model_copy(update={"ids": [1]}))),
        "Redis 7.4.5 can't run as user 999",
    ),
    "folder": (
        "openformulieren",
        lambda c: program_of(c, lambda p: facts(p, "writable", lambda f: without(f, "paths", "/app/celerybeat"))),
        "Open Formulieren 3.5.6 does not write to /app/celerybeat",
    ),
    "folder that is written to": (
        "opennotificaties",
        lambda c: program_of(
            c,
            lambda p: facts(
                p,
                "writable",
                lambda f: f.model_copy(update={"paths": [*f.paths, "/app/other"]}) if f.processes else f,
            ),
        ),
        "Open Notificaties 1.16.2 writes to /app/other, which is read-only here",
    ),
    "step": (
        "openobject",
        dropped("steps", lambda f: f.namespace == "tokenauth"),
        "Open Object 4.2.1 has no step tokenauth",
    ),
    "key of a step": (
        "openzaak",
        lambda c: program_of(c, lambda p: facts(p, "steps", lambda f: without(f, "keys", "default_year"))),
        "the step openzaak_selectielijst_config does not know default_year",
    ),
    "memory at its peak": (
        "redis",
        lambda c: replace(c, memory=(MemoryFact(source="conf", process="server", mib=513, state="peak"),)),
        "redis/server may use 512 MiB, and 513 MiB were measured (at its peak)",
    ),
    "memory with nothing to do": (
        "redis",
        lambda c: replace(c, memory=(MemoryFact(source="conf", process="server", mib=410, state="idle"),)),
        "redis/server may use 512 MiB, and 410 MiB were measured (with nothing to do)",
    ),
    "way": (
        "redis",
        lambda c: replace(c, reaches=(ReachFact(source="conf", process="server", to="openzaak"),)),
        "redis/server must reach openzaak, and nothing lets it through",
    ),
    "way out": (
        "openklant",
        lambda c: replace(c, reaches=(ReachFact(source="conf", process="web", to="selectielijst"),)),
        "openklant/web must reach selectielijst, and nothing lets it through",
    ),
    "object of an operator": (
        "keycloak",
        lambda c: replace(c, made=(MadeFact(source="x", kind="Service", name="keycloak-server"),)),
        "an operator makes Service keycloak-server itself",
    ),
    "channel": (
        "openklant",
        lambda c: replace(c, channels=tuple(f for f in c.channels if f.channel != "klantcontacten")),
        "Open Klant 2.18.0 publishes klantcontacten with no channel",
    ),
    "filter of a channel": (
        "openzaak",
        lambda c: replace(c, channels=tuple(without(f, "filters", "zaaktype.catalogus") for f in c.channels)),
        "Open Zaak 1.30.0 publishes zaken with",
    ),
}


def found(contract: ComponentContract) -> list[Problem]:
    return check(reference(), {**contracts(), (contract.component, contract.version): contract})


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_fact_is_noticed(kind: str) -> None:
    component, change, message = WRONG[kind]
    version = reference().components[component].version.version
    problems = found(change(contracts()[component, version]))
    assert any(message in problem.message for problem in problems), [problem.message for problem in problems]
    assert all(problem.fix and problem.origin for problem in problems)


def test_an_image_from_a_mirror_is_judged_as_the_one_of_the_release(tmp_path: Path) -> None:
    built = mirrored(catalogue(), tmp_path)
    assert check(built, contracts()) == []
    version = built.components["openzaak"].version.version
    contract = dropped("users", lambda f: True)(contracts()["openzaak", version])
    problems = check(built, {**contracts(), ("openzaak", version): contract})
    assert any("Open Zaak 1.30.0 can't run as user 1000" in problem.message for problem in problems)


def with_module(text: str) -> Landscape:
    """The reference with this text in place of the settings module of Open Zaak."""
    name = "app_src_ggi_settings.py"
    changed = []
    for item in reference().objects:
        data = item.body.get("data") or {}
        if item.component == "openzaak" and name in data:
            item = replace(item, body=item.body | {"data": data | {name: text}})
        changed.append(item)
    return replace(reference(), objects=tuple(changed))


def test_what_our_own_modules_read_is_found_in_their_text() -> None:
    messages = [p.message for p in check(with_module('os.environ["GGI_AUTHORITIES"]\nenviron["OTHER"]'), contracts())]
    web = "openzaak/Deployment/web: "
    assert f"{web}GGI_SETTINGS_MODULE is set, which Open Zaak 1.30.0 does not read" in messages
    assert f"{web}Open Zaak 1.30.0 needs OTHER, which is not set" in messages
    assert not any("GGI_AUTHORITIES" in message for message in messages)


def test_a_variable_that_our_own_module_sets_is_not_one_that_it_needs() -> None:
    text = 'os.environ["GGI_AUTHORITIES"] == os.environ["GGI_SETTINGS_MODULE"]\nos.environ["OTHER"] = ""'
    assert check(with_module(text), contracts()) == []


def test_memory_of_a_container_beside_is_not_held_against_its_neighbour() -> None:
    contract = contracts()["openzaak", "1.30.0"]
    facts = (
        MemoryFact(source="measured", process="web", mib=700, state="peak"),
        MemoryFact(source="measured", process="nginx", mib=65, state="peak"),
    )
    (problem,) = found(replace(contract, memory=facts))
    assert problem.message == "openzaak/nginx may use 64 MiB, and 65 MiB were measured (at its peak)"


def test_memory_that_the_inventory_gives_is_held_against_what_was_measured(tmp_path: Path) -> None:
    settings = {"openklant": {"resources": {"worker": {"cpu": "100m", "memory": "384Mi"}}}}
    (problem,) = check(drawn(catalogue(), tmp_path, components=settings), contracts())
    assert problem.origin is not None and problem.origin.file.endswith("gm9998.yaml")
    assert problem.fix == f"Give it {333 * HEADROOM:.0f} MiB at least."


def test_a_component_without_a_contract_is_named() -> None:
    known = {key: value for key, value in contracts().items() if key[0] != "redis"}
    assert [item.name for item in missing_contracts(reference(), known)] == ["redis"]


FINE = """\
component: redis
version: 7.4.5
sources: {conf: {project: redis/redis, version: 7.4.5}}
images: {main: {ports: [{source: conf, port: 6379}]}}
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FINE + "portz: []\n", "portz"),
        (FINE.replace("{source: conf, port", "{source: other, port"), "this contract has no source other"),
        (FINE.replace("source: conf, ", ""), "source"),
        (FINE.replace("6379", "70000"), "port"),
        (FINE.replace("main: {", "main: {include: [django], "), "there are no shared facts django"),
        (FINE.replace("port: 6379", "said: {file: /a, pattern: '('}"), "this is no regular expression: "),
        (FINE.replace("port: 6379", "said: {file: /a, pattern: a}"), "a pattern has one group"),
        (FINE.replace("version: 7.4.5\n", "version: 7.4.6\n", 1), "this file must be named redis-7.4.6.yaml"),
    ],
)
def test_a_contract_with_a_fault_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / FOLDER / "redis-7.4.5.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    problems: list[Problem] = []
    load_contracts((tmp_path,), problems)
    assert len(problems) == 1 and message in problems[0].message
    assert problems[0].origin is not None and problems[0].origin.file.startswith(FOLDER)
