"""What a use case works on: an inventory and content roots, read once, and what each stack in them should be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ggi.engine.run_context import RunContext
from ggi.inventory.stack import Stack, StackKind, kind_of
from ggi.paths import ROOT

if TYPE_CHECKING:
    from ggi.audit.assessment import Assessor
    from ggi.catalogue.content import Catalogue
    from ggi.controls.load import Controls
    from ggi.cookbook.content import Cookbook
    from ggi.inventory.cluster import OwnedCluster
    from ggi.inventory.load import Environment, Inventory
    from ggi.inventory.models import Cluster
    from ggi.inventory.waiverfiles import Waivers
    from ggi.landscape.build import Landscape
    from ggi.landscape.objects import Object

    Owner = Environment | OwnedCluster

# Imported where used: every command makes a workspace, and most need little of it.


@dataclass(frozen=True, slots=True)
class DesiredStack:
    """What a stack on Kubernetes should hold: the landscape of an environment, or what a cluster has of its own."""

    owner: Owner
    objects: tuple[Object, ...]
    landscape: Landscape | None = None

    @property
    def stack(self) -> str:
        """Name of the stack."""
        return self.owner.stack

    @property
    def cluster(self) -> Cluster:
        """The cluster that it lives on."""
        return self.owner.cluster

    @property
    def namespace(self) -> str | None:
        """The namespace that the stack owns. The objects of a cluster are in none."""
        return self.landscape.environment.namespace if self.landscape else None

    @property
    def fingerprint(self) -> str:
        """The landscape's fingerprint; empty for a cluster."""
        return self.landscape.fingerprint if self.landscape else ""

    @property
    def release(self) -> str:
        """The release that it takes its versions from; empty for a cluster."""
        return self.landscape.environment.release if self.landscape else ""

    @property
    def outputs(self) -> Mapping[str, Any]:
        """What the stack remembers: enough to tell later which release runs and what changed."""
        if self.landscape is None:
            return {}
        return {
            "release": self.release,
            "fingerprint": self.fingerprint,
            "namespace": self.namespace,
            "hosts": dict(self.landscape.hosts),
        }


@dataclass
class Workspace:
    """An inventory folder and further content roots.

    `Workspace().landscape("gm9901")` is the landscape of the example gemeente's productie.
    """

    inventory_folder: Path | None = None
    """Default: the checkout's own."""
    content: tuple[Path, ...] = ()
    """Content roots above the checkout's own."""

    @classmethod
    def of_context(cls, context: RunContext) -> Workspace:
        """The workspace that another process works on."""
        return cls(context.inventory, context.content)

    @cached_property
    def folder(self) -> Path:
        """The inventory's folder."""
        return (self.inventory_folder or ROOT / "inventories").resolve()

    @cached_property
    def catalogue(self) -> Catalogue:
        """All components, releases and services. Raises InputError, as everything below does."""
        from ggi.catalogue.content import load_catalogue

        return load_catalogue(self.content)

    @cached_property
    def inventory(self) -> Inventory:
        """The inventory."""
        from ggi.inventory.load import Inventory

        return Inventory(self.folder, self.catalogue.known)

    @cached_property
    def controls(self) -> Controls:
        """The controls over landscapes."""
        from ggi.controls.load import load_controls

        return load_controls(self.catalogue.roots)

    @cached_property
    def cookbook(self) -> Cookbook:
        """All recipes for Microsoft 365."""
        from ggi.cookbook.content import load_cookbook

        return load_cookbook(self.catalogue.roots)

    @cached_property
    def waivers(self) -> Waivers:
        """What was accepted of every tenant, checked against the controls."""
        from ggi.audit.deviations import load_waivers

        return load_waivers(self.catalogue.roots, self.controls.by_id, self.controls.retired)

    def controls_of(self, *kinds: StackKind) -> Controls:
        """The controls that judge stacks of these kinds, or of any kind: over landscapes, hosts and Microsoft 365."""
        wanted = set(kinds or StackKind)
        found = dict(self.controls.by_id)
        if StackKind.M365 in wanted:
            from ggi.cookbook.control import controls_of

            found |= controls_of(self.cookbook)
        if StackKind.NETWORK in wanted:
            from ggi.hosts.audit import controls_of as controls_of_hosts
            from ggi.hosts.controls import load_host_controls

            found |= controls_of_hosts(load_host_controls(self.catalogue.roots))
        return replace(self.controls, by_id=found)

    def assessor(self, date: dt.date | None = None) -> Assessor:
        """Who judges landscapes of this workspace, on a date; default today."""
        from ggi.audit.assessment import Assessor
        from ggi.clock import today

        return Assessor(self.catalogue, self.inventory, self.controls, self.waivers, date or today())

    def environment(self, text: str) -> Environment:
        """The environment that a person means by `text`."""
        tenant, name = self.inventory.find(text)
        return self.inventory.environment(tenant, name)

    def landscape(self, text: str) -> Landscape:
        """The landscape of that environment."""
        from ggi.landscape.build import landscape

        return landscape(self.environment(text), self.catalogue)

    def owner(self, text: str) -> Owner:
        """The environment or the cluster that a person means by `text`."""
        return self.inventory.cluster(text) if kind_of(text) is StackKind.CLUSTER else self.environment(text)

    def stack(self, text: str) -> Stack:
        """The stack of whatever kind that a person means by `text`."""
        kind = kind_of(text)
        if kind is StackKind.NETWORK:
            from ggi.hosts.network import find_network, networks

            return Stack(kind, find_network(text, self.inventory, networks(self.inventory)))
        if kind is StackKind.M365:
            from ggi.cookbook.targets import find_m365

            return Stack(kind, find_m365(self.inventory, text).id)
        if kind is StackKind.CLUSTER:
            return Stack.parse(self.inventory.cluster(text).stack)
        tenant, environment = self.inventory.find(text)
        return Stack(kind, tenant.id, environment)

    def desired(self, text: str) -> DesiredStack:
        """What the stack on Kubernetes that a person means should hold."""
        if kind_of(text) is StackKind.CLUSTER:
            return self.desired_cluster(text)
        return self._desired(self.environment(text))

    def desired_stack(self, stack: Stack, *, shared: bool = False) -> DesiredStack:
        """What exactly this stack should hold, as the engine names it; `shared` as of `desired_cluster`."""
        if stack.kind is StackKind.CLUSTER:
            return self.desired_cluster(str(stack), shared=shared)
        return self._desired(self.inventory.environment(self.inventory.tenant(stack.owner), stack.environment))

    def _desired(self, environment: Environment) -> DesiredStack:
        from ggi.landscape.build import landscape

        built = landscape(environment, self.catalogue)
        return DesiredStack(environment, tuple(built.objects), built)

    def desired_cluster(self, name: str, *, shared: bool = False) -> DesiredStack:
        """What a cluster should have of its own, today. `shared`: it stands in for all others, as a sandbox's does."""
        from ggi.clock import today
        from ggi.enforcement.cluster_stack import cluster_objects
        from ggi.landscape.names import coredns_rules

        owner = self.inventory.cluster(name)
        names, rules = owner.cluster.names, ""
        if names is not None:
            here = (e for e in self.inventory.environments() if shared or e.cluster_name == owner.name)
            rules = coredns_rules(here, self.catalogue, names)
        return DesiredStack(owner, tuple(cluster_objects(owner.stack, self.controls, today(), names, rules)))
