"""The Pulumi program: one stack's landscape, registered object by object.

Everything that needs a decision was decided by `landscape()`; this only reads it, checks that it may write here, and
hands the objects to the engine with their order.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi

from ggi.catalogue.content import Catalogue, load_catalogue
from ggi.clock import today
from ggi.engine.guard import LOGICAL_NAME, check_cluster, check_release
from ggi.engine.kubeapi import KubeApi
from ggi.engine.network_drift import MENDED, mend, network_drift
from ggi.engine.secrets import Resolver, read_root_key
from ggi.engine.target import CONTENT, CONTEXT, DOWNGRADE, IDENTITY, INVENTORY, PROTECT
from ggi.errors import GgiError, InputError, Problem
from ggi.inventory.cluster import is_cluster_stack
from ggi.inventory.consistency import refuse_ended
from ggi.inventory.load import Inventory
from ggi.inventory.models import Cluster, TenantState
from ggi.landscape.build import Landscape, landscape
from ggi.landscape.objects import NAMESPACE, Object, with_tags
from ggi.landscape.platform import accepting
from ggi.messages import t
from ggi.paths import ROOT

WAIT_FOR = {
    ("postgresql.cnpg.io/v1", "Cluster"): "condition=Ready",
    ("postgresql.cnpg.io/v1", "Database"): "jsonpath={.status.applied}=true",
    ("cert-manager.io/v1", "Certificate"): "condition=Ready",
}
"""Custom resources that others need: Pulumi waits for none of these by itself."""


def type_token(item: Object) -> str:
    """Pulumi's name of a kind: `kubernetes:apps/v1:Deployment`; the core group is called core."""
    api = item.api_version if "/" in item.api_version else f"core/{item.api_version}"
    return f"kubernetes:{api}:{item.kind}"


def annotated(item: Object) -> dict[str, Any]:
    """The manifest with what Pulumi's provider must know: take fields back from other hands, and what to wait for.

    And with its logical name, for the guard.
    """
    metadata = dict(item.body["metadata"])
    notes = dict(metadata.get("annotations", {})) | {"pulumi.com/patchForce": "true", LOGICAL_NAME: item.name}
    if wait := WAIT_FOR.get((item.api_version, item.kind)):
        notes["pulumi.com/waitFor"] = wait
    metadata["annotations"] = notes
    return {**item.body, "metadata": metadata}


@dataclass(frozen=True, slots=True)
class DesiredStack:
    """What a stack should hold. The objects of a landscape are in its namespace; those of a cluster are in none."""

    stack: str
    cluster: Cluster
    objects: tuple[Object, ...]
    landscape: Landscape | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def namespace(self) -> str | None:
        """The namespace that the stack owns."""
        return self.landscape.environment.namespace if self.landscape else None


ClusterObjects = Callable[[str, Catalogue], Sequence[Object]]
"""The objects of a cluster's stack, from its name and the content; they come from above this package."""


Admitted = Callable[[Landscape, Catalogue], str]
"""What the cluster's admission must let through of a landscape besides its waivers."""


def desired(stack: str, of_cluster: ClusterObjects, admitted: Admitted = lambda built, catalogue: "") -> DesiredStack:
    """What the inventory asks of a stack. Raises InputError."""
    further = tuple(Path(p) for p in os.environ.get(CONTENT, "").split(os.pathsep) if p)
    catalogue = load_catalogue(further)
    inventory = Inventory(Path(os.environ.get(INVENTORY, ROOT / "inventories")), catalogue.known)
    if is_cluster_stack(stack):
        found = inventory.cluster(stack)
        return DesiredStack(stack, found.cluster, tuple(of_cluster(stack, catalogue)))
    built = _landscape(stack, inventory, catalogue)
    objects = built.objects
    if text := admitted(built, catalogue):
        objects = tuple(accepting(item, text) if item.name == NAMESPACE else item for item in objects)
    return DesiredStack(stack, built.environment.cluster, objects, built, outputs(built))


def _landscape(stack: str, inventory: Inventory, catalogue: Catalogue) -> Landscape:
    tenant_id, _, name = stack.rpartition("-")
    if not tenant_id:
        raise InputError(
            Problem(t("{stack} is not the name of a stack", stack=stack), t("A stack is named gm0000-prod."))
        )
    tenant = inventory.tenant(tenant_id)
    if tenant.file.state is TenantState.MERGED:
        raise InputError(
            Problem(
                t("{tenant} was merged away; its stack is no longer changed", tenant=tenant.name),
                t("Work on its successor, or remove the stack with `ggi down`."),
                tenant.tree.origin,
            )
        )
    refuse_ended(tenant, inventory.registry, today())
    built = landscape(inventory.environment(tenant, name), catalogue)
    if not built.objects:
        raise InputError(Problem(t("the landscape of {stack} is empty", stack=stack), t("Switch a component on.")))
    return built


class _Component(pulumi.ComponentResource):
    """Groups the objects of one component."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ggi:landscape:Component", name, None, opts)


def register(
    objects: Iterable[Object],
    resolver: Resolver,
    provider: pulumi.ProviderResource,
    protect: bool,
    mended: Mapping[str, int] | None = None,
) -> None:
    """Register every object under its component, each after what it needs; `mended`: see `ggi.engine.network_drift`."""
    parents: dict[str, pulumi.Resource] = {}
    made: dict[str, pulumi.Resource] = {}
    for item in objects:
        if item.component not in parents:
            parents[item.component] = _Component(item.component)
        body: dict[str, Any] = annotated(item)
        if mended and item.name in mended:
            body["metadata"]["annotations"][MENDED] = str(mended[item.name])
        if item.secrets:
            body["data"] = pulumi.Output.secret(resolver.data(item.secrets))
        made[item.name] = pulumi.CustomResource(
            type_token(item),
            item.name,
            body,
            pulumi.ResourceOptions(
                parent=parents[item.component],
                provider=provider,
                depends_on=[made[name] for name in item.needs],
                protect=protect and item.holds_data,
            ),
        )


def main(of_cluster: ClusterObjects, admitted: Admitted) -> None:
    """Run the program for the stack that the engine names. Errors for people become `RunError`, without traceback."""
    try:
        _run(desired(pulumi.get_stack(), of_cluster, admitted), pulumi.runtime.get_config)
    except GgiError as error:
        raise pulumi.RunError(str(error)) from None
    except OSError as error:
        raise pulumi.RunError(f"{error.filename or 'ggi'}: {error.strerror or error}") from None
    except Exception as error:
        if os.environ.get("GGI_DEBUG"):
            raise
        told = t("this is a bug in ggi: {what}", what=f"{type(error).__name__}: {error}")
        raise pulumi.RunError(f"{told}\n    {t('GGI_DEBUG=1 shows where; please report it.')}") from None


def _run(wanted: DesiredStack, config: Callable[[str], str | None]) -> None:
    context = os.environ.get(CONTEXT) or wanted.cluster.context
    kubeconfig = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    resolver = Resolver(read_root_key(config("ggi:rootKey")), wanted.stack, lambda path: config(f"ggi:{path}"))
    # All values, before anything is written: one that is missing must not be found half-way.
    objects = with_tags(wanted.objects, resolver.tag)
    expected = config(f"ggi:{IDENTITY}") or (str(wanted.cluster.identity or "") or None)
    mended: Mapping[str, int] = {}
    with KubeApi.from_kubeconfig(kubeconfig, context) as api:
        identity = check_cluster(api, wanted.stack, wanted.namespace, objects, expected)
        if wanted.landscape:
            mended = _check_landscape(api, wanted.landscape, objects)
    provider = pulumi.ProviderResource(
        "kubernetes",
        "cluster",
        _provider_settings(context, identity),
        pulumi.ResourceOptions(version=kubernetes_version()),
    )
    register(objects, resolver, provider, protect=os.environ.get(PROTECT, "1") == "1", mended=mended)
    for key, value in wanted.outputs.items():
        pulumi.export(key, value)


def _check_landscape(api: KubeApi, built: Landscape, objects: Sequence[Object]) -> Mapping[str, int]:
    """Look at what is only a landscape's: the release that runs, and rules added by hand; those are taken away."""
    if os.environ.get(DOWNGRADE, "") != "1":
        check_release(api, built.environment)
    paths, mended = network_drift(api, objects, built.environment.namespace)
    if not pulumi.runtime.is_dry_run():
        mend(api, objects, paths)
    for name, differing in paths.items():
        pulumi.warn(
            t("{name}: changed by hand at {paths}; an update takes it back", name=name, paths=", ".join(differing))
        )
    return mended


def _provider_settings(context: str, identity: str) -> Mapping[str, Any]:
    # Never the kubeconfig's content: it would put a token into the state and replace everything when it changes.
    return {
        "context": context,
        "clusterIdentifier": identity,
        "enableServerSideApply": "true",
        # What carries our label is ours (the guard has looked): a run that was interrupted between a creation and its
        # record in the state, or a state that was lost, must not need a person.
        "upsertExistingObjects": "true",
        # What keeps its name when it changes (the list of Redis users) is changed in place: replacing it would take it
        # away for a moment. What must be replaced has another name.
        "enableSecretMutable": "true",
        "enableConfigMapMutable": "true",
    }


def kubernetes_version() -> str:
    """The version of the Kubernetes plugin: that of the pulumi-kubernetes package."""
    import importlib.metadata

    return importlib.metadata.version("pulumi-kubernetes")


def outputs(built: Landscape) -> dict[str, Any]:
    """What the stack remembers of the landscape: enough to tell later which release runs and what changed."""
    return {
        "release": built.environment.release,
        "fingerprint": built.fingerprint,
        "namespace": built.environment.namespace,
        "hosts": dict(built.hosts),
    }
