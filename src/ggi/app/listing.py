"""Every stack of an inventory, of whatever kind, with what people choose by: environment, region, ring, release."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ggi.errors import GgiError, Problem, raise_if
from ggi.inventory.models import Lifecycle
from ggi.inventory.stack import Stack, StackKind

if TYPE_CHECKING:
    from ggi.app.workspace import Workspace
    from ggi.inventory.tenant import Tenant


@dataclass(frozen=True, slots=True)
class ListedStack:
    """A stack as `ggi list` shows it; what a kind does not have is empty, or None.

    A network or Microsoft 365 tenant has the region and ring of the tenant that owns it.
    """

    stack: str
    title: str
    """Name of the gemeente, network, Microsoft 365 tenant, or of the service centre that runs the cluster."""
    kind: StackKind
    environment: str = ""
    """ontw, test, accp or prod."""
    region: str = ""
    ring: int | None = None
    """The wave in which it is updated."""
    cluster: str = ""
    release: str = ""


def list_stacks(workspace: Workspace, problems: list[Problem] | None = None) -> list[ListedStack]:
    """All stacks: clusters, environments of tenants, networks, Microsoft 365 tenants.

    A tenant that was merged into another one has none. A Microsoft 365 tenant of one gemeente alone needs no file.
    What is wrong in a file goes to `problems`, and the others are listed; without `problems` raises InputError.
    """
    wrong: list[Problem] = [] if problems is None else problems
    tenants: dict[str, Tenant] = {}
    landscapes: list[ListedStack] = []
    for name in workspace.inventory.tenant_ids():
        try:
            tenant = workspace.inventory.tenant(name)
            landscapes += _landscapes(workspace, tenant)
            tenants[name] = tenant
        except GgiError as error:
            wrong += error.problems
    found = [*_clusters(workspace), *landscapes, *_owned(workspace, tenants, wrong)]
    if problems is None:
        raise_if(wrong)
    return found


def _clusters(workspace: Workspace) -> Iterator[ListedStack]:
    for region in workspace.inventory.region_ids():
        file = workspace.inventory.region(region)
        for name in file.clusters:
            yield ListedStack(
                str(Stack(StackKind.CLUSTER, name)), file.name, StackKind.CLUSTER, region=region, cluster=name
            )


def _landscapes(workspace: Workspace, tenant: Tenant) -> list[ListedStack]:
    if tenant.file.state is Lifecycle.MERGED:
        return []
    return [
        ListedStack(
            environment.stack,
            tenant.name,
            StackKind.LANDSCAPE,
            environment.name,
            tenant.file.region,
            tenant.file.ring,
            environment.cluster_name,
            environment.release,
        )
        for environment in (workspace.inventory.environment(tenant, name) for name in tenant.environments)
    ]


def _owned(workspace: Workspace, tenants: dict[str, Tenant], problems: list[Problem]) -> Iterator[ListedStack]:
    owned = workspace.inventory.owned(problems)
    for item in owned.values():
        owner = tenants.get(item.file.owner)
        region, ring = (owner.file.region, owner.file.ring) if owner else ("", None)
        yield ListedStack(item.stack, item.file.name, StackKind(item.kind), region=region, ring=ring)
    for tenant in tenants.values():
        alone = tenant.code is not None and tenant.m365 == tenant.id and ("m365", tenant.id) not in owned
        if alone and tenant.file.state is not Lifecycle.MERGED:
            stack = str(Stack(StackKind.M365, tenant.id))
            yield ListedStack(stack, tenant.name, StackKind.M365, region=tenant.file.region, ring=tenant.file.ring)
