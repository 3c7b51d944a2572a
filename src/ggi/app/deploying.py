"""Bringing what a stack should be onto its cluster: tools, guards, controls, and a run of the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ggi.clock import today
from ggi.errors import GgiError, InputError, Problem
from ggi.inventory.consistency import refuse_ended
from ggi.inventory.load import Environment, Inventory, Tenant
from ggi.inventory.models import Lifecycle
from ggi.inventory.stack import Stack, StackKind
from ggi.landscape.objects import DATA_KINDS, type_token
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.app.operations import ChangeRequest, Operation
    from ggi.app.platform import Platform
    from ggi.app.workspace import DesiredStack, Owner, Workspace
    from ggi.audit.audit import Audit
    from ggi.engine.events import EngineResult, Step
    from ggi.engine.pulumi_stack import PulumiStack
    from ggi.engine.run_context import RunContext
    from ggi.engine.target import Target
    from ggi.engine.tools import Resolved

Report = Callable[[str], None]


@dataclass(frozen=True)
class PreparedTarget:
    """Where a stack is deployed, with the Pulumi that will do it."""

    target: Target
    cli: Resolved


def operation_on(
    owner: Owner, action: str, workspace: Workspace, platform: Platform, request: ChangeRequest, report: Report
) -> Operation:
    """The operation that a change of a stack of Kubernetes is; its cluster proves who asks, where it does."""
    from ggi.app.operations import Operation
    from ggi.assurance.identity import Identity, proof_of_cluster
    from ggi.engine.kubeapi import KubeApi

    def prove() -> Identity | None:
        try:
            with KubeApi.from_kubeconfig(*platform.kubeconfig(owner)) as api:
                return proof_of_cluster(api)
        except GgiError:
            # There is no way to this cluster from here: whoever approves often has none.
            return None

    return Operation(action, Stack.parse(owner.stack), platform, request, workspace.inventory.changes, report, prove)


def prepare(workspace: Workspace, owner: Owner, platform: Platform, report: Report) -> PreparedTarget:
    """The target of a stack, its tools there and its cluster running. Raises WorkError."""
    from ggi.engine.tools import PULUMI, resolve

    cli = resolve(PULUMI, sandbox=platform.sandbox is not None, report=report)
    platform.start(owner, report)
    return PreparedTarget(platform.target(workspace, owner, cli.path), cli)


def open_stack(
    target: Target, owner: Owner, report: Report, *, downgrade: bool = True, check: bool = True
) -> PulumiStack:
    """The stack, when (with `check`) the cluster is the right one and (without `downgrade`) runs no newer release."""
    from ggi.engine.guard import check_release, cluster_identity
    from ggi.engine.kubeapi import KubeApi
    from ggi.engine.pulumi_stack import open_stack as opened

    with KubeApi.from_kubeconfig(target.kubeconfig, target.context) as api:
        stack = opened(target, cluster_identity(api), report, check=check)
        if not downgrade and isinstance(owner, Environment):
            check_release(api, owner)
    return stack


def refuse_ended_tenant(inventory: Inventory, tenant: Tenant) -> None:
    """Raise InputError when a gemeente was merged away: its stack is no longer changed."""
    if tenant.file.state is Lifecycle.MERGED:
        raise InputError(
            Problem(
                t("{tenant} was merged away; its stack is no longer changed", tenant=tenant.name),
                t("Work on its successor, or remove the stack with `ggi down`."),
                tenant.tree.origin,
            )
        )
    refuse_ended(tenant, inventory.registry, today())


def judged_plan(workspace: Workspace, desired: DesiredStack) -> Audit | None:
    """The audit of what is wanted, as the policy pack will judge it; None for a cluster. Raises InputError.

    The pack judges again in the engine: it alone sees values of secrets, and what is only known after the update.
    """
    if desired.landscape is None:
        return None
    refuse_ended_tenant(workspace.inventory, desired.landscape.environment.tenant)
    return workspace.assessor().of(desired.landscape).audit()


def refuse_removal(owner: Owner) -> None:
    """Raise InputError for what `down` does not remove from a real cluster."""
    if not isinstance(owner, Environment):
        raise InputError(
            Problem(
                t("{stack} is shared by every gemeente on the cluster; `down` does not remove it", stack=owner.stack),
                t("Remove the tenants first; then `pulumi destroy` in the environment of `ggi env`."),
            )
        )
    if owner.name == "prod":
        raise InputError(
            Problem(
                t("{stack} is productie; `down` does not remove it", stack=owner.stack),
                t("Offboarding is a state of the tenant: write `state: offboarding` in its file."),
                owner.tenant.tree.origin,
            )
        )


def lost_by_update(stack: PulumiStack, context: RunContext, on_step: Step) -> list[str]:
    """Names of the objects with data that an update would remove or replace, from a preview by the engine.

    The controls have judged before, and the update is judged again; what is urgent has no line in the trail yet.
    """
    gone = ("delete", "replace", "delete-replaced")
    steps = stack.preview_unjudged(on_step, context).steps
    return sorted({s.name for s in steps if s.op in gone and s.type.rpartition(":")[2] in DATA_KINDS})


def find_drift(stack: PulumiStack, desired: DesiredStack, on_step: Step) -> EngineResult:
    """How the cluster differs from what was last written, with what Pulumi does not compare, and failed Jobs."""
    from ggi.engine.events import Event
    from ggi.engine.failed_jobs import failed_jobs
    from ggi.engine.kubeapi import KubeApi
    from ggi.engine.live import read_live
    from ggi.engine.restoring import changed_by_hand

    found = stack.drift(on_step)
    if desired.landscape is None:
        return found
    with KubeApi.from_kubeconfig(stack.target.kubeconfig, stack.target.context) as api:
        live = read_live(api, desired.landscape.environment.namespace)
    by_hand, _ = changed_by_hand(live, desired.objects)
    failed, _ = failed_jobs(live, desired.objects)
    known = {step.name for step in found.steps}
    types = {item.name: type_token(item) for item in desired.objects}
    differing = {**by_hand.paths, **{name: ["status.conditions"] for name in failed}}
    more = tuple(
        Event(name, types[name], "update", done=True, changed=tuple(changed))
        for name, changed in differing.items()
        if name not in known
    )
    if not more:
        return found
    changes = {**found.changes, "update": found.changes.get("update", 0) + len(more)}
    return replace(found, changes=changes, steps=(*found.steps, *more))


def update_admission(
    workspace: Workspace,
    environment: Environment,
    platform: Platform,
    cli: Resolved,
    report: Report,
    on_step: Callable[[DesiredStack], Step],
) -> None:
    """Bring a sandbox's cluster up to date, so that its own admission refuses what the controls refuse.

    A sandbox is one cluster, whichever the inventory calls it: the stack that is there, else that of the environment.
    """
    from ggi.enforcement.cluster_stack import FINGERPRINT, all_there, find_installed
    from ggi.engine.kubeapi import KubeApi
    from ggi.engine.locks import locked
    from ggi.paths import state_dir

    kubeconfig, context = platform.kubeconfig(environment)
    lock = state_dir() / "locks" / f"{context}-admission.lock"
    with locked(lock, t("the admission policies of the sandbox"), report):
        with KubeApi.from_kubeconfig(kubeconfig, context) as api:
            there, fingerprint = find_installed(api)
            wanted = workspace.desired_cluster(
                there or str(Stack(StackKind.CLUSTER, environment.cluster_name)), shared=True
            )
            whole = all_there(api, wanted.objects)
        if whole and fingerprint == wanted.objects[0].body["metadata"]["annotations"][FINGERPRINT]:
            return
        report(
            t(
                "First {stack}: {count} objects, the controls as admission policies of the cluster.",
                stack=wanted.stack,
                count=len(wanted.objects),
            )
        )
        target = platform.target(workspace, wanted.owner, cli.path)
        open_stack(target, wanted.owner, report).up(on_step(wanted))
