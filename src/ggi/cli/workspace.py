"""What nearly every command needs: the catalogue, the inventory, one environment and its landscape, and its target."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ggi.cli.app import GLOBALS
from ggi.messages import t
from ggi.paths import ROOT

if TYPE_CHECKING:
    from ggi.catalogue.content import Catalogue
    from ggi.controls.load import Controls
    from ggi.engine.target import Target
    from ggi.inventory.cluster import OwnedCluster
    from ggi.inventory.load import Environment, Inventory
    from ggi.landscape.build import Landscape
    from ggi.landscape.objects import Object

    Owner = Environment | OwnedCluster

# Imported where used: every command loads this module, and `--help` needs none of it.

SANDBOX = "GGI_SANDBOX"
"""Environment variable with the name of the sandbox that `--sandbox` means; without it, `default`."""


def sandbox_name() -> str:
    """The sandbox that `--sandbox` means."""
    from sandbox.layout import DEFAULT

    return os.environ.get(SANDBOX) or DEFAULT


def simulated(sandbox: bool) -> str:
    """What every status and closing line about a sandbox says; empty for a real cluster."""
    if not sandbox:
        return ""
    from sandbox.controlplane import SIMULATED

    return t(SIMULATED)


@dataclass(frozen=True)
class Wanted:
    """What a stack should be: the landscape of an environment, or what a cluster has of its own."""

    owner: Owner
    objects: Sequence[Object]
    landscape: Landscape | None = None

    @property
    def stack(self) -> str:
        """Name of the stack."""
        return self.owner.stack


@dataclass
class Workspace:
    """The content and the inventory that the global options name."""

    @cached_property
    def catalogue(self) -> Catalogue:
        """All components, releases and services."""
        from ggi.catalogue.content import load_catalogue

        return load_catalogue(tuple(GLOBALS.content))

    @cached_property
    def folder(self) -> Path:
        """The inventory's folder."""
        return (GLOBALS.inventory or ROOT / "inventories").resolve()

    @cached_property
    def inventory(self) -> Inventory:
        """The inventory."""
        from ggi.inventory.load import Inventory

        return Inventory(self.folder, self.catalogue.known)

    @cached_property
    def controls(self) -> Controls:
        """All controls."""
        from ggi.controls.load import load_controls

        return load_controls(self.catalogue.roots)

    def owner(self, text: str) -> Owner:
        """The environment or the cluster that a person means by `text`."""
        from ggi.inventory.cluster import is_cluster_stack

        return self.inventory.cluster(text) if is_cluster_stack(text) else self.environment(text)

    def wanted(self, text: str) -> Wanted:
        """What the stack that a person means should be."""
        from ggi.inventory.cluster import OwnedCluster

        owner = self.owner(text)
        if isinstance(owner, OwnedCluster):
            return self.of_cluster(owner)
        built = self.landscape(text)
        return Wanted(built.environment, built.objects, built)

    def of_cluster(self, owner: OwnedCluster) -> Wanted:
        """What a cluster should have of its own, today."""
        from ggi.clock import today
        from ggi.enforcement.cluster_stack import cluster_objects

        return Wanted(owner, cluster_objects(owner.stack, self.controls, today()))

    def environment(self, text: str) -> Environment:
        """The environment that a person means by `text`."""
        tenant, name = self.inventory.find(text)
        return self.inventory.environment(tenant, name)

    def landscape(self, text: str) -> Landscape:
        """The landscape of that environment."""
        from ggi.landscape.build import landscape

        return landscape(self.environment(text), self.catalogue)

    def place(self, owner: Owner, sandbox: bool) -> tuple[str, str]:
        """Kubeconfig and context of the cluster that is meant. Raises WorkError for a sandbox that never ran."""
        if not sandbox:
            named = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
            return named, owner.cluster.context
        from sandbox.controlplane import kubeconfig
        from sandbox.layout import Layout

        name = sandbox_name()
        return str(kubeconfig(name)), Layout.of(name).context

    def real_target(self, owner: Owner, cli: Path) -> Target:
        """The target on the real cluster."""
        from ggi.engine.target import Target, real_backend

        backend, passphrase = real_backend()
        kubeconfig, context = self.place(owner, sandbox=False)
        return Target(
            stack=owner.stack,
            sandbox=False,
            cli=cli,
            backend=backend,
            passphrase_file=passphrase,
            kubeconfig=kubeconfig,
            context=context,
            inventory=self.folder,
            content=tuple(path.resolve() for path in GLOBALS.content),
        )

    def sandbox_target(self, owner: Owner, cli: Path) -> Target:
        """The target in a sandbox that runs."""
        from ggi.engine.target import Target, local_state, passphrase_file, without_engine_log
        from sandbox.plugins.install import install

        folder = local_state(sandbox_name())
        home = folder / "home"
        (folder / "state").mkdir(parents=True, exist_ok=True, mode=0o700)
        install(home)
        without_engine_log(home)
        kubeconfig, context = self.place(owner, sandbox=True)
        return Target(
            stack=owner.stack,
            sandbox=True,
            cli=cli,
            backend=f"file://{folder / 'state'}",
            passphrase_file=passphrase_file(folder),
            kubeconfig=kubeconfig,
            context=context,
            inventory=self.folder,
            content=tuple(path.resolve() for path in GLOBALS.content),
            home=home,
            config_file=folder / f"Pulumi.{owner.stack}.yaml",
        )


def start_sandbox(owner: Owner, report: Callable[[str], None]) -> None:
    """Start the sandbox, offering what the cluster calls by name: storage classes, issuer, gateway."""
    from sandbox.content import Offers
    from sandbox.controlplane import start

    cluster = owner.cluster
    start(
        sandbox_name(),
        report,
        offers=Offers(
            block=(cluster.storage.block,),
            shared=(cluster.storage.shared,),
            issuers=(cluster.gateway.issuer,),
            gateway_classes=(cluster.gateway.class_name,),
        ),
    )
