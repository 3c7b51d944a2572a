"""What the landscapes of a cluster ask of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ggi.catalogue.needs import NeedsFile, load_needs
from ggi.catalogue.release import probe_image, probe_tool
from ggi.inventory.cluster import OwnedCluster
from ggi.inventory.models import Cluster
from ggi.inventory.stack import Stack, StackKind, owner_in
from ggi.inventory.types import release_order
from ggi.landscape.build import Landscape
from ggi.landscape.objects import Object

if TYPE_CHECKING:
    from ggi.app.workspace import Workspace


@dataclass(frozen=True)
class Wanted:
    """The cluster's entry, the landscapes that live on it, what the cluster's own stack holds, and what all need."""

    owner: OwnedCluster
    landscapes: tuple[Landscape, ...]
    own: tuple[Object, ...]
    needs: NeedsFile
    images: tuple[str, ...]
    """Images of the releases that run here, as the releases name them."""
    probe: str
    """The image of probe pods, as the nodes fetch it."""

    @property
    def cluster(self) -> Cluster:
        """What the region says of it."""
        return self.owner.cluster

    @cached_property
    def kinds(self) -> frozenset[str]:
        """All kinds of objects, as apiVersion/Kind."""
        return frozenset(f"{item.api_version}/{item.kind}" for item in self.objects())

    def objects(self) -> Iterator[Object]:
        """All objects."""
        yield from self.own
        for landscape in self.landscapes:
            yield from landscape.objects

    @cached_property
    def registries(self) -> dict[str, str]:
        """One image of each registry, by the registry's name; the image of probes where it comes from there."""
        found: dict[str, str] = {}
        for image in sorted(self.images, key=lambda image: self.cluster.image(image) != self.probe):
            found.setdefault(image.partition("/")[0], image)
        return found


def wanted(workspace: Workspace, name: str) -> Wanted:
    """What the landscapes ask of the cluster that a person means: `midden-prod`, or its stack. Raises InputError.

    Where none lives yet, the newest release counts.
    """
    from ggi.landscape.build import landscape

    stack = str(Stack(StackKind.CLUSTER, owner_in(name)))
    desired = workspace.desired_cluster(stack)
    owner = workspace.inventory.cluster(stack)
    built = tuple(
        landscape(environment, workspace.catalogue)
        for environment in workspace.inventory.environments()
        if environment.cluster_name == owner.name
    )
    releases = workspace.catalogue.releases
    names = {item.environment.release for item in built} or {max(releases, key=release_order)}
    used_releases = [releases[name] for name in sorted(names, key=release_order)]
    used = {component for item in built for component in item.components}
    images = {
        image.reference
        for release in used_releases
        for component, version in release.model.components.items()
        for image in version.images.values()
        if component in used or not built
    }
    tool = probe_tool(used_releases).reference
    needs = load_needs(workspace.catalogue.roots)
    probe = probe_image(used_releases, owner.cluster)
    return Wanted(owner, built, desired.objects, needs, tuple(sorted({*images, tool})), probe)
