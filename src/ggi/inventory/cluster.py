"""A cluster as an owned thing: run by the service centre, with a stack and an approver of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ggi.errors import InputError, Problem
from ggi.inventory.models import Cluster, RegionFile
from ggi.inventory.stack import Stack, StackKind
from ggi.inventory.validate import nearest
from ggi.messages import t


@dataclass(frozen=True, slots=True)
class OwnedCluster:
    """A cluster of one region. `cluster` are the facts that tenants must know."""

    name: str
    region: str
    cluster: Cluster

    @property
    def stack(self) -> str:
        """Name of its Pulumi stack."""
        return str(Stack(StackKind.CLUSTER, self.name))


def find_cluster(stack: str, regions: Iterable[tuple[str, RegionFile]]) -> OwnedCluster:
    """The cluster with this stack. Raises InputError when there is none, or when two regions have one of that name."""
    listed = [OwnedCluster(name, region, c) for region, file in regions for name, c in file.clusters.items()]
    found = [item for item in listed if item.stack == stack]
    if not found:
        known = [item.stack for item in listed]
        raise InputError(Problem(t("there is no cluster {name}", name=stack), nearest(stack, known)))
    if len(found) > 1:
        names = ", ".join(item.region for item in found)
        message = t("{name} is a cluster of several regions: {names}", name=found[0].name, names=names)
        raise InputError(Problem(message, t("Give each cluster a name of its own.")))
    return found[0]
