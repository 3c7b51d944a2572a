"""A run of the engine as the command line shows it: tools and target, the stack, progress, and the closing line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ggi.cli.output import Progress, note, paint, say
from ggi.cli.workspace import Workspace, simulated, start_sandbox
from ggi.messages import mark, t

if TYPE_CHECKING:
    from ggi.cli.workspace import Owner
    from ggi.engine.events import EngineResult, Event
    from ggi.engine.pulumi_stack import PulumiStack
    from ggi.engine.target import Target
    from ggi.inventory.load import Environment


OPERATIONS = {
    "create": mark("new"),
    "update": mark("changed"),
    "replace": mark("replaced"),
    "create-replacement": mark("new in place of another"),
    "delete": mark("removed"),
    "delete-replaced": mark("removed after replacement"),
}
"""Pulumi's words for what it does, as a summary says them; others stay as they are."""


def prepare(workspace: Workspace, owner: Owner, sandbox: bool) -> Target:
    """The target, with its tools resolved and (for the sandbox) the control plane running."""
    from ggi.engine.tools import PULUMI, resolve

    with Progress() as progress:
        cli = resolve(PULUMI, sandbox=sandbox, report=progress)
        if sandbox:
            start_sandbox(owner, progress)
    if sandbox:
        import shutil

        official = shutil.which("pulumi-resource-kubernetes")
        note(
            t(
                "Engine: Pulumi {version} ({how}); Kubernetes plugin: {plugin}.",
                version=cli.version,
                how=cli.said,
                plugin=official or t("the sandbox's stand-in"),
            )
        )
        return workspace.sandbox_target(owner, cli.path)
    note(
        t(
            "Engine: Pulumi {version} ({how}); context {context}.",
            version=cli.version,
            how=cli.said,
            context=owner.cluster.context,
        )
    )
    return workspace.real_target(owner, cli.path)


def open_stack(target: Target, owner: Owner, *, downgrade: bool = True, check: bool = True) -> PulumiStack:
    """The stack, when (with `check`) the cluster is the right one and (without `downgrade`) runs no newer release."""
    from ggi.engine.guard import check_release, cluster_identity
    from ggi.engine.kubeapi import KubeApi
    from ggi.engine.pulumi_stack import open_stack as opened
    from ggi.inventory.load import Environment

    with KubeApi.from_kubeconfig(target.kubeconfig, target.context) as api:
        stack = opened(target, cluster_identity(api), note, check=check)
        if not downgrade and isinstance(owner, Environment):
            check_release(api, owner)
    return stack


class Steps:
    """Progress of a run: what is being done, and how much of `total` objects is done."""

    def __init__(self, progress: Progress, total: int) -> None:
        """`total` objects are expected; 0 when nobody knows."""
        self._progress = progress
        self._total = total
        self._done: set[str] = set()

    def __call__(self, event: Event) -> None:
        """Take in one event."""
        if event.op == "refresh":
            self._progress(t("reading what is there"))
        if not event.done or event.op in ("read", "refresh", "replace"):
            return
        self._done.add(event.name)
        if event.op != "same":
            mark = {"create": "+", "create-replacement": "+", "delete": "-", "delete-replaced": "-"}.get(event.op, "~")
            shown = "x" if event.failed else mark
            self._progress(f"  {shown} [{len(self._done)}/{max(self._total, len(self._done))}] {event.name}")


def closing(verb: str, outcome: EngineResult, sandbox: bool, nothing: str = "") -> None:
    """The last line of a run; in the sandbox it says that pods are simulated."""
    for message in outcome.messages:
        note(f"  {message}")
    parts = [f"{n} {t(OPERATIONS.get(op, op))}" for op, n in sorted(outcome.changes.items()) if op != "same"]
    line = t(
        "{verb}: {summary} ({same} unchanged) in {seconds:.0f} s{tail}",
        verb=verb,
        summary=", ".join(parts) or nothing or t("nothing changed"),
        same=outcome.changes.get("same", 0),
        seconds=outcome.seconds,
        tail=f"; {simulated(sandbox)}" if sandbox else "",
    )
    say(paint(line, "green"))


def changes_of(outcome: EngineResult) -> list[dict[str, Any]]:
    """Every change as JSON."""
    return [{"name": s.name, "type": s.type, "op": s.op, "changed": list(s.changed)} for s in outcome.steps]


def show_steps(outcome: EngineResult) -> None:
    """Print every change, with the properties that differ."""
    for step in outcome.steps:
        say(f"  {step.op:8} {step.name}" + (f"  [{', '.join(step.changed)}]" if step.changed else ""))


def admission_first(workspace: Workspace, environment: Environment, target: Target) -> None:
    """Bring the sandbox's cluster up to date, so that its own admission refuses what the controls refuse.

    A sandbox is one cluster, whichever the inventory calls it: the stack that is there, else that of the environment.
    """
    from ggi.enforcement.cluster_stack import FINGERPRINT, installed
    from ggi.engine.kubeapi import KubeApi
    from ggi.engine.locks import locked
    from ggi.inventory.cluster import PREFIX
    from ggi.paths import state_dir

    lock = state_dir() / "locks" / f"{target.context}-admission.lock"
    with locked(lock, t("the admission policies of the sandbox"), note):
        with KubeApi.from_kubeconfig(target.kubeconfig, target.context) as api:
            there, fingerprint = installed(api)
        wanted = workspace.of_cluster(workspace.inventory.cluster(there or f"{PREFIX}{environment.cluster_name}"))
        if fingerprint == wanted.objects[0].body["metadata"]["annotations"][FINGERPRINT]:
            return
        note(
            t(
                "First {stack}: {count} objects, the controls as admission policies of the cluster.",
                stack=wanted.stack,
                count=len(wanted.objects),
            )
        )
        stack = open_stack(workspace.sandbox_target(wanted.owner, target.cli), wanted.owner)
        with Progress() as progress:
            stack.up(Steps(progress, len(wanted.objects)))
