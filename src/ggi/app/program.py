"""The Pulumi program: one stack's landscape, registered object by object.

Everything that needs a decision was decided by `landscape()`; this only reads it, checks that it may write here, and
hands the objects to the engine with their order.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi

from ggi.app.deploying import refuse_ended_tenant
from ggi.app.workspace import DesiredStack, Workspace
from ggi.controls.integrity.judge import strangers
from ggi.controls.integrity.live import LiveNamespace
from ggi.engine.failed_jobs import failed_jobs
from ggi.engine.guard import LOGICAL_NAME, check_cluster, check_release
from ggi.engine.kubeapi import KubeApi
from ggi.engine.live import read_kinds, read_live
from ggi.engine.restoring import MENDED, changed_by_hand, take_back
from ggi.engine.run_context import RunContext
from ggi.engine.secrets import SecretResolver, read_root_key
from ggi.engine.target import IDENTITY
from ggi.errors import GgiError, InputError, Problem
from ggi.inventory.stack import Stack, StackKind
from ggi.landscape.build import Landscape
from ggi.landscape.objects import NAMESPACE, Object, type_token, with_tags
from ggi.landscape.platform import accepting
from ggi.messages import t

ROUTE = json.dumps(
    [
        f'jsonpath={{.status.parents[0].conditions[?(@.type=="{kind}")].status}}=True'
        for kind in ("Accepted", "ResolvedRefs")
    ]
)
"""A route is taken by its Gateway, and what it leads to exists. All conditions must hold (provider/pkg/metadata/
overrides.go of pulumi-kubernetes 4.34, `ReadyCondition`)."""
WAIT_FOR = {
    ("postgresql.cnpg.io/v1", "Cluster"): "condition=Ready",
    ("postgresql.cnpg.io/v1", "Database"): "jsonpath={.status.applied}=true",
    ("cert-manager.io/v1", "Certificate"): "condition=Ready",
    ("gateway.networking.k8s.io/v1", "Gateway"): "condition=Programmed",
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): ROUTE,
    ("gateway.networking.k8s.io/v1", "TLSRoute"): ROUTE,
}
"""Custom resources that others need, or that people do: Pulumi waits for none of these by itself.

A Gateway is Programmed when its listeners are served at an address (Gateway API, `GatewayConditionProgrammed`).
"""


MOST_NAMED = 5
"""Strangers that a warning names."""


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


def desired(context: RunContext, stack: str) -> DesiredStack:
    """What the inventory asks of a stack, with what this run lets through. Raises InputError."""
    workspace = Workspace.of_context(context)
    named = Stack.parse(stack)
    if named.kind is StackKind.LANDSCAPE:
        refuse_ended_tenant(workspace.inventory, workspace.inventory.tenant(named.owner))
    found = workspace.desired_stack(named, shared=not context.protect)
    if found.landscape is None:
        return found
    if not found.objects:
        raise InputError(Problem(t("the landscape of {stack} is empty", stack=stack), t("Switch a component on.")))
    if context.baseline or context.urgent:
        from ggi.enforcement.exemptions import admitted

        text = admitted(workspace.assessor().of(found.landscape), context)
        objects = tuple(accepting(item, text) if item.name == NAMESPACE else item for item in found.objects)
        return replace(found, objects=objects if text else found.objects)
    return found


class _Component(pulumi.ComponentResource):
    """Groups the objects of one component."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ggi:landscape:Component", name, None, opts)


def register(
    objects: Iterable[Object],
    resolver: SecretResolver,
    provider: pulumi.ProviderResource,
    protect: bool,
    mended: Mapping[str, int] | None = None,
) -> None:
    """Register every object under its component, each after what it needs.

    `mended` is how often an object was put right, by logical name: see `ggi.engine.restoring` and `failed_jobs`.
    """
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
                replace_on_changes=[f'metadata.annotations["{MENDED}"]'] if item.kind == "Job" else None,
                # Only said of a Job: `False` would override what the provider knows of other kinds.
                delete_before_replace=True if item.kind == "Job" else None,
            ),
        )


def main() -> None:
    """Run the program for the stack that the engine names. Errors for people become `RunError`, without traceback."""
    try:
        context = RunContext.from_env()
        _run(desired(context, pulumi.get_stack()), context, pulumi.runtime.get_config)
    except GgiError as error:
        raise pulumi.RunError(str(error)) from None
    except OSError as error:
        raise pulumi.RunError(f"{error.filename or 'ggi'}: {error.strerror or error}") from None
    except Exception as error:
        if os.environ.get("GGI_DEBUG"):
            raise
        told = t("this is a bug in ggi: {what}", what=f"{type(error).__name__}: {error}")
        raise pulumi.RunError(f"{told}\n    {t('GGI_DEBUG=1 shows where; please report it.')}") from None


def _run(wanted: DesiredStack, run: RunContext, config: Callable[[str], str | None]) -> None:
    context = run.context or wanted.cluster.context
    kubeconfig = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    resolver = SecretResolver(read_root_key(config("ggi:rootKey")), wanted.stack, lambda path: config(f"ggi:{path}"))
    # All values, before anything is written: one that is missing must not be found half-way.
    objects = with_tags(wanted.objects, resolver.tag)
    expected = config(f"ggi:{IDENTITY}") or (str(wanted.cluster.identity or "") or None)
    mended: Mapping[str, int] = {}
    with KubeApi.from_kubeconfig(kubeconfig, context) as api:
        identity = check_cluster(api, wanted.stack, wanted.namespace, objects, expected)
        if wanted.landscape:
            mended = _check_landscape(api, wanted.landscape, objects, downgrade=run.downgrade)
        else:
            live = read_kinds(api, ((o.api_version, o.kind, o.body["metadata"].get("namespace", "")) for o in objects))
            mended = _take_back(api, live, objects)
    provider = pulumi.ProviderResource(
        "kubernetes",
        "cluster",
        _provider_settings(context, identity),
        pulumi.ResourceOptions(version=kubernetes_version()),
    )
    register(objects, resolver, provider, protect=run.protect, mended=mended)
    for key, value in wanted.outputs.items():
        pulumi.export(key, value)


def _check_landscape(api: KubeApi, built: Landscape, objects: Sequence[Object], *, downgrade: bool) -> dict[str, int]:
    """Look at what is only a landscape's: the release that runs, what was changed by hand, and Jobs that failed.

    Such changes are taken back, such Jobs made anew; returned is how often that was done, by logical name.
    """
    if not downgrade:
        check_release(api, built.environment)
    live = read_live(api, built.environment.namespace)
    mended = _take_back(api, live, objects)
    failed, tried = failed_jobs(live, objects)
    if strange := strangers(built, live):
        names = ", ".join(one.subject for one in strange[:MOST_NAMED]) + (", …" if len(strange) > MOST_NAMED else "")
        pulumi.warn(
            t(
                "{count} objects in the namespace are not of this stack: {names}; `ggi clean {stack}` shows them",
                count=len(strange),
                names=names,
                stack=built.stack,
            )
        )
    for name in failed:
        pulumi.warn(t("{name}: it failed before, and is run again", name=name))
    return mended | tried


def _take_back(api: KubeApi, live: LiveNamespace, objects: Sequence[Object]) -> dict[str, int]:
    """Take back what somebody changed by hand and Pulumi does not see; how often that was done, by logical name."""
    by_hand, mended = changed_by_hand(live, objects)
    if not pulumi.runtime.is_dry_run():
        take_back(api, live, objects, by_hand)
    for name, differing in by_hand.paths.items():
        pulumi.warn(
            t("{name}: changed by hand at {paths}; an update takes it back", name=name, paths=", ".join(differing))
        )
    for body in by_hand.again:
        name = f"{body['kind']}/{body['metadata']['name']}"
        pulumi.warn(t("{name}: it is not what its owner says; an update lets it be made anew", name=name))
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
