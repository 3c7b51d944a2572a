"""One network and where its hosts are: for real, or in the sandbox."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ggi.errors import InputError, Problem
from ggi.hosts.build import Hosts, hosts
from ggi.hosts.network import SUPPLIED, find_network, load_supplied, networks, with_supplied
from ggi.inventory.govroam import Govroam
from ggi.inventory.load import Inventory
from ggi.inventory.network import NetworkFile
from ggi.messages import t


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
