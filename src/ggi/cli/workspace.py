"""What nearly every command needs: the catalogue, the inventory, one environment and its landscape, and its target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ggi.cli.app import GLOBALS
from ggi.paths import ROOT

if TYPE_CHECKING:
    from ggi.catalogue.content import Catalogue
    from ggi.engine.target import Target
    from ggi.inventory.load import Environment, Inventory
    from ggi.landscape.build import Landscape

# Imported where used: every command loads this module, and `--help` needs none of it.


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

    def environment(self, text: str) -> Environment:
        """The environment that a person means by `text`."""
        tenant, name = self.inventory.find(text)
        return self.inventory.environment(tenant, name)

    def landscape(self, text: str) -> Landscape:
        """The landscape of that environment."""
        from ggi.landscape.build import landscape

        return landscape(self.environment(text), self.catalogue)

    def real_target(self, environment: Environment, cli: Path) -> Target:
        """The target on the cluster that the environment names."""
        import os

        from ggi.engine.target import Target, real_backend

        backend, passphrase = real_backend()
        return Target(
            stack=environment.stack,
            sandbox=False,
            cli=cli,
            backend=backend,
            passphrase_file=passphrase,
            kubeconfig=os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config"),
            context=environment.cluster.context,
            inventory=self.folder,
            content=tuple(path.resolve() for path in GLOBALS.content),
        )

    def sandbox_target(self, environment: Environment, cli: Path, name: str = "default") -> Target:
        """The target in a sandbox that runs."""
        from ggi.engine.target import Target, local_state, passphrase_file
        from sandbox.controlplane import kubeconfig
        from sandbox.layout import Layout
        from sandbox.plugins.install import install

        folder = local_state(name)
        home = folder / "home"
        (folder / "state").mkdir(parents=True, exist_ok=True, mode=0o700)
        install(home)
        return Target(
            stack=environment.stack,
            sandbox=True,
            cli=cli,
            backend=f"file://{folder / 'state'}",
            passphrase_file=passphrase_file(folder),
            kubeconfig=str(kubeconfig(name)),
            context=Layout.of(name).context,
            inventory=self.folder,
            content=tuple(path.resolve() for path in GLOBALS.content),
            home=home,
            config_file=folder / f"Pulumi.{environment.stack}.yaml",
        )


def start_sandbox(environment: Environment, report: Callable[[str], None]) -> None:
    """Start the sandbox, offering what the environment's cluster calls by name: storage classes, issuer, gateway."""
    from sandbox.content import Offers
    from sandbox.controlplane import start

    cluster = environment.cluster
    start(
        report=report,
        offers=Offers(
            block=(cluster.storage.block,),
            shared=(cluster.storage.shared,),
            issuers=(cluster.gateway.issuer,),
            gateway_classes=(cluster.gateway.class_name,),
        ),
    )
