"""A large inventory for trying out: every gemeente of the registry, with regions, rings and components by a seed.

All of it is invented: domains are below .test, OINs have the prefix for tests. It shows no real landscape.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

from ggi.errors import InputError, Problem
from ggi.inventory.registry import Gemeente, Registry, load_registry, slug
from ggi.inventory.types import release_order
from ggi.messages import t
from ggi.paths import ROOT

LEFT_OUT: tuple[tuple[str, ...], ...] = (
    (),
    (),
    ("openobject",),
    ("openklant",),
    ("openformulieren",),
    ("openklant", "openobject"),
    ("openformulieren", "openklant", "openobject"),
    ("openformulieren", "openklant", "openobject", "opennotificaties"),
)
"""Sets of components that a tenant does without; no other component needs what is missing."""
SHARE_OF_FSC = 0.4
CERTIFICATES = ("fscmanager", "fscinway", "fscoutway")
SHARED_BY = 3
"""Neighbours in one region that share a network and a Microsoft 365 tenant."""
WINDOWS = ("di 20:00-23:00", "wo 19:00-22:00", "ma-do 21:00-23:30", "vr-za 22:00-02:00")

REGION = """\
# yaml-language-server: $schema=../schema/region.schema.json
name: Servicecentrum {name}
cluster: {id}-prod
components:
  postgresql: {{max_connections: {connections}}}
  fscmanager:
    group: {{id: fsc-oefenomgeving, directory_host: directory.fsc.test, directory_oin: "00000099000000010000"}}
environments:
  ontw: {{cluster: {id}-accp}}
  test: {{cluster: {id}-accp}}
  accp: {{cluster: {id}-accp}}
clusters:
"""
CLUSTER = """\
  {id}-{kind}:
    context: {id}-{kind}
    gateway:
      issuer: publiek
      peer: {{namespace: {{kubernetes.io/metadata.name: envoy-gateway-system}}, \
pods: {{app.kubernetes.io/managed-by: envoy-gateway}}, ports: [10443]}}
    storage: {{block: blok, shared: gedeeld}}
    dns: {{namespace: {{kubernetes.io/metadata.name: kube-system}}, pods: {{k8s-app: kube-dns}}, \
ports: [53], protocols: [UDP, TCP]}}
    apiserver: {{cidrs: [10.96.0.1/32, 10.{net}.0.0/28], ports: [443, 6443]}}
    monitoring: {{namespace: {{kubernetes.io/metadata.name: monitoring}}, pods: {{app.kubernetes.io/name: prometheus}}}}
    operators: {{namespace: {{kubernetes.io/metadata.name: cnpg-system}}, \
pods: {{app.kubernetes.io/name: cloudnative-pg}}}}
    smtp: {{cidrs: [10.{net}.4.25/32], ports: [587]}}
    smtp_host: mail.{id}.test
    fsc: {{cidrs: [10.{net}.8.0/24], ports: [443, 8443]}}
    crl: {{cidrs: [10.{net}.9.0/28], ports: [80]}}
"""


def sandbox_inventory(out: Path, seed: int = 1) -> int:
    """Write an inventory of all gemeenten to the new or empty folder `out`; the same seed gives the same files.

    Returns the number of tenants. Raises InputError when the folder has files already.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(Problem(t("{folder} is not an empty folder", folder=out), t("Name a new one.")))
    source = ROOT / "inventories"
    releases = sorted((path.stem for path in (ROOT / "stacks" / "releases").glob("*.yaml")), key=release_order)
    registry = load_registry(source / "registry")
    for folder in ("regions", "tenants", "networks", "m365"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / "national.yaml", out / "national.yaml")
    shutil.copytree(source / "registry", out / "registry")
    if (source / "schema").is_dir():
        shutil.copytree(source / "schema", out / "schema")
    random = Random(seed)  # noqa: S311  (repeatable, not secret)
    by_province: dict[str, list[Gemeente]] = {}
    for gemeente in sorted(registry.gemeenten.values(), key=lambda g: g.code):
        by_province.setdefault(gemeente.province, []).append(gemeente)
    for number, (province, members) in enumerate(sorted(by_province.items())):
        _write(out / "regions" / f"{slug(province)}.yaml", _region(province, number, random))
        shared = _shared(members, random)
        for group in sorted(set(shared.values())):
            _share(out, group, [g for g in members if shared.get(g.code) == group])
        for gemeente in members:
            if gemeente.code not in shared:
                name = gemeente.code.lower()
                _write(out / "networks" / f"{name}.yaml", _network(name, gemeente.name, name, [gemeente]))
        for gemeente in members:
            text = "".join(f"{line}\n" for line in _tenant(gemeente, registry, releases, shared, random))
            _write(out / "tenants" / f"{gemeente.code.lower()}.yaml", text)
    return len(registry.gemeenten)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _region(province: str, number: int, random: Random) -> str:
    name = slug(province)
    text = REGION.format(name=province, id=name, connections=random.choice((200, 300, 400)))
    return text + "".join(
        CLUSTER.format(id=name, kind=kind, net=20 + 2 * number + index) for index, kind in enumerate(("prod", "accp"))
    )


def _shared(members: list[Gemeente], random: Random) -> dict[str, str]:
    """Which gemeenten share a network, by code: the name of what they share."""
    chosen = random.sample(members, len(members) // 4 // SHARED_BY * SHARED_BY)
    groups = [chosen[i : i + SHARED_BY] for i in range(0, len(chosen), SHARED_BY)]
    return {g.code: f"samen-{group[0].code.lower()}" for group in groups for g in group}


def _share(out: Path, group: str, members: list[Gemeente]) -> None:
    owner = group.removeprefix("samen-")
    _write(out / "networks" / f"{group}.yaml", _network(group, group, owner, members))
    codes = ", ".join(g.code for g in members)
    line = "# yaml-language-server: $schema=../schema/m365.schema.json\n"
    _write(out / "m365" / f"{group}.yaml", f"{line}name: {json.dumps(group)}\nowner: {owner}\nserves: [{codes}]\n")


NETWORK = """\
# yaml-language-server: $schema=../schema/network.schema.json
name: {name}
owner: {owner}
serves: [{codes}]
govroam:
  realms: {{{realms}}}
  servers:
    rad1: {{address: 10.{net}.{host}.11, host: rad1.{id}.test}}
    rad2: {{address: 10.{net}.{host}.12, host: rad2.{id}.test}}
  eap: {{server_name: radius.{id}.test}}
  access_points:
    stadhuis: {{addresses: [10.{net}.{host}.64/26], realm: {first}, visitor_vlan: 900, staff_vlan: 120}}
  management: {{networks: [10.{net}.{host}.240/28], ntp: [ntp.{id}.test], dns: [10.{net}.{host}.53]}}
"""


def _network(name: str, title: str, owner: str, members: list[Gemeente]) -> str:
    """A network's file; a code gives each its own range of private addresses."""
    realms = {f"{g.label}.test": g.code for g in members}
    number = int(members[0].code[2:])
    return NETWORK.format(
        id=name,
        name=json.dumps(f"Netwerk {title}", ensure_ascii=False),
        owner=owner,
        codes=", ".join(realms.values()),
        realms=", ".join(f"{realm}: {code}" for realm, code in realms.items()),
        first=next(iter(realms)),
        net=100 + number // 250,
        host=number % 250,
    )


def _tenant(
    gemeente: Gemeente, registry: Registry, releases: list[str], shared: dict[str, str], random: Random
) -> Iterator[str]:
    older, newer = random.choice(releases), releases[-1]
    label = gemeente.label
    yield "# yaml-language-server: $schema=../schema/tenant.schema.json"
    yield f"# {gemeente.name}: generated for trying out; nothing here is about the real gemeente."
    yield f"gemeente: {gemeente.code}"
    yield f'oin: "00000099{gemeente.code[2:]}00000000"'
    yield f"region: {slug(gemeente.province)}"
    yield f"ring: {random.choice((0, 1, 1, 2, 2, 2, 3, 3, 3, 3))}"
    if gemeente.code in shared:
        yield f"network: {shared[gemeente.code]}"
        yield f"m365: {shared[gemeente.code]}"
    if ended := registry.successions.get(gemeente.code):
        yield f"herindeling: {{into: {ended.into}, date: {ended.date}}}"
    yield "environments:"
    if random.random() < 0.2:
        yield f'  test: {{release: "{newer}", domain: test.{label}.test}}'
    if random.random() < 0.7:
        yield f'  accp: {{release: "{newer}", domain: accp.{label}.test}}'
    window = random.choice(WINDOWS)
    yield f'  prod: {{release: "{older}", domain: {label}.test, window: "{window}"}}'
    left_out = random.choice(LEFT_OUT)
    if random.random() < SHARE_OF_FSC:
        yield "services: [fsc]"
        if random.random() < 0.5:
            yield "inputs:"
            yield from (f"  {name}.certificate: {{on: 2026-09-14}}" for name in CERTIFICATES)
    replicas = random.choice((0, 0, 0, 2, 4))
    if left_out or replicas:
        yield "components:"
        yield from (f"  {name}: {{enabled: false}}" for name in left_out)
        if replicas:
            yield f"  openzaak: {{replicas: {replicas}}}"
