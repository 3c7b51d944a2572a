"""Networks of an inventory and where their hosts are: for real, or in a sandbox that supplies what others would."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ggi.errors import InputError, Problem, raise_if
from ggi.hosts.build import Hosts, hosts
from ggi.inventory.govroam import Govroam
from ggi.inventory.load import Inventory
from ggi.inventory.network import NetworkFile
from ggi.inventory.stack import Stack, StackKind, owner_in
from ggi.inventory.validate import nearest
from ggi.messages import t

SUPPLIED = "GGI_HOSTS_SUPPLIED"
"""Environment variable with a file of what a sandbox supplies, per network; laid over the network's own file."""


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` laid over `below`: mappings key by key, everything else as a whole."""
    result = dict(below)
    for key, value in above.items():
        known = result.get(key)
        result[key] = merged(known, value) if isinstance(known, Mapping) and isinstance(value, Mapping) else value
    return result


def load_supplied(path: Path | None) -> Mapping[str, Any]:
    """What was supplied per network; empty without a file."""
    if path is None:
        return {}
    found = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    return found if isinstance(found, dict) else {}


def networks(inventory: Inventory) -> dict[str, NetworkFile]:
    """All networks that have a file, by id. Raises InputError with everything that is wrong in any of them."""
    problems: list[Problem] = []
    owned = inventory.owned(problems)
    raise_if(problems)
    return {name: item.file for (_, name), item in owned.items() if isinstance(item.file, NetworkFile)}


def with_supplied(file: NetworkFile, supplied: Mapping[str, Any]) -> NetworkFile:
    """The network with what was supplied laid over its file."""
    if not supplied:
        return file
    return NetworkFile.model_validate(merged(file.model_dump(exclude_none=True), supplied))


def find_network(text: str, inventory: Inventory, known: Mapping[str, NetworkFile]) -> str:
    """The id of the network that is meant: `net-rijnstad`, `rijnstad`, or a gemeente that it serves."""
    word = owner_in(text)
    if word in known:
        return word
    try:
        tenant, _ = inventory.find(text)
    except InputError:
        if word in inventory.tenant_ids():
            raise
        stacks = [str(Stack(StackKind.NETWORK, name)) for name in known]
        raise InputError(Problem(t("there is no network {name}", name=text), nearest(text, stacks))) from None
    if tenant.network not in known:
        message = t("the network of {tenant} has no file", tenant=tenant.id)
        raise InputError(Problem(message, t("Write inventories/networks/{name}.yaml.", name=tenant.network)))
    return tenant.network


def all_hosts(files: Mapping[str, NetworkFile], supplied: Mapping[str, Any]) -> Iterator[Hosts]:
    """The hosts of every network, sorted by id."""
    for name in sorted(files):
        yield hosts(name, with_supplied(files[name], supplied.get(name, {})))


def ansible_inventory(found: list[Hosts]) -> dict[str, Any]:
    """What an Ansible inventory script prints for `--list`: groups, and all variables of hosts under `_meta`."""
    result: dict[str, Any] = {"_meta": {"hostvars": {}}}
    for one in found:
        result["_meta"]["hostvars"] |= {name: dict(values) for name, values in one.host.items()}
        for group, names in one.groups.items():
            entry = result.setdefault(group, {"hosts": [], "vars": {}})
            entry["hosts"] = sorted({*entry["hosts"], *names})
            entry["vars"] |= dict(one.group.get(group, {}))
    result["all"] = {"children": sorted(name for name in result if name != "_meta")}
    return result


@dataclass(frozen=True)
class ManagedNetwork:
    """A network that was found. `environment` is what Ansible and the secrets' resolver need besides the process's."""

    name: str
    file: NetworkFile
    hosts: Hosts
    inventory: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    supplied: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What a sandbox supplies for every network."""

    @classmethod
    def of(cls, text: str, inventory: Inventory, environment: Mapping[str, str] | None = None) -> ManagedNetwork:
        """The network that is meant by `text`: `net-rijnstad`, or a gemeente that it serves. Raises InputError."""
        known = networks(inventory)
        name = find_network(text, inventory, known)
        own = dict(environment or {})
        path = own.get(SUPPLIED) or os.environ.get(SUPPLIED)
        if path and not Path(path).is_file():
            raise InputError(Problem(t("the test hosts never ran"), t("Run `ggi sandbox hosts start`.")))
        supplied = load_supplied(Path(path) if path else None)
        file = with_supplied(known[name], supplied.get(name, {}))
        return cls(name, file, hosts(name, file), inventory.root.resolve(), own, supplied)

    @property
    def stack(self) -> str:
        """Name of the network's stack."""
        return self.hosts.stack

    @property
    def govroam(self) -> Govroam:
        """What the file says of govroam. Raises InputError when it says nothing."""
        if self.file.govroam is None:
            fix = t("Write `govroam:` in inventories/networks/{name}.yaml.", name=self.name)
            raise InputError(Problem(t("{stack} has no govroam", stack=self.stack), fix))
        return self.file.govroam

    def managed(self) -> None:
        """Raise InputError when the servers are not ours."""
        if not self.govroam.managed:
            message = t("the servers of {stack} are the organisation's own (radius: existing)", stack=self.stack)
            raise InputError(Problem(message, t("Try a log-in: ggi hosts test {stack}", stack=self.stack)))

    def ready(self) -> None:
        """Raise InputError when there is nothing to manage, or somebody must supply something first."""
        self.managed()
        if self.hosts.waits:
            raise InputError(
                *(
                    Problem(
                        t("{what} is missing; it comes from {who}", what=wait.what, who=wait.who),
                        t("Write govroam.{key} in inventories/networks/{name}.yaml.", key=wait.key, name=self.name),
                    )
                    for wait in self.hosts.waits
                )
            )
