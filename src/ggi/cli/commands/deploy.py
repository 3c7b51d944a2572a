"""preview, up, refresh, down, env, status: one landscape, or what a cluster has of its own, on its cluster."""

from __future__ import annotations

import shutil
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ggi.cli.commands.landscape import draw, show_plan
from ggi.cli.options import BaselineFile, Change, Json, Name, Reason, Sandbox, Urgent, Yes
from ggi.cli.output import Progress, columns, note, paint, say, say_json, table
from ggi.cli.root import app, platform_of, workspace_of
from ggi.errors import EXIT_FAILED, InputError, Problem, WorkError
from ggi.messages import mark, t

if TYPE_CHECKING:
    from ggi.app.deploying import PreparedTarget
    from ggi.app.platform import Platform
    from ggi.app.running import ImageKind, RunningImage
    from ggi.app.workspace import DesiredStack, Owner, Workspace
    from ggi.engine.events import EngineResult, Event
    from ggi.engine.pulumi_stack import PulumiStack
    from ggi.engine.status import ComponentStatus

OPERATIONS = {
    "create": mark("new"),
    "update": mark("changed"),
    "replace": mark("replaced"),
    "create-replacement": mark("new in place of another"),
    "delete": mark("removed"),
    "delete-replaced": mark("removed after replacement"),
}
"""Pulumi's words for what it does, as a summary says them; others stay as they are."""
STATES = {
    mark("ready"): "green",
    mark("external"): "dim",
    mark("waiting"): "yellow",
    mark("failed"): "red",
    mark("missing"): "red",
}
"""The states of a component, and their colours."""


@app.command()
def preview(context: typer.Context, name: Name, sandbox: Sandbox = False, json_output: Json = False) -> None:
    """Show what an update would change in the cluster; nothing is changed.

    Example: ggi preview gm9901-accp --sandbox
    """
    from ggi.app.deploying import judged_plan, open_stack, operation_on
    from ggi.app.operations import ChangeRequest

    workspace, platform = workspace_of(context), platform_of(sandbox)
    desired = workspace.desired(name)
    operation = operation_on(desired.owner, "preview", workspace, platform, ChangeRequest(), note)
    if audit := judged_plan(workspace, desired):
        operation.judge(audit)
    stack = open_stack(_prepared(workspace, desired.owner, platform).target, desired.owner, note)
    with Progress() as progress:
        result = stack.preview(StepProgress(progress, len(desired.objects)))
    if json_output:
        say_json({"stack": desired.stack, "changes": result.changes, "steps": _changes(result)})
        return
    _show_steps(result)
    _closing(t("preview"), result, platform, t("nothing would change"))


@app.command()
def up(
    context: typer.Context,
    name: Name,
    sandbox: Sandbox = False,
    yes: Yes = False,
    json_output: Json = False,
    downgrade: Annotated[bool, typer.Option("--downgrade", help="Allow a release older than the running one.")] = False,
    change: Change = None,
    urgent: Urgent = False,
    reason: Reason = None,
    baseline: BaselineFile = None,
) -> None:
    """Make the cluster what the landscape says. A trail keeps who did it, when, for what, and how it was judged.

    Example: ggi up gm9901 --sandbox --yes
    """
    from ggi.app.deploying import judged_plan, lost_by_update, open_stack, operation_on, update_admission
    from ggi.app.operations import ChangeRequest

    workspace, platform = workspace_of(context), platform_of(sandbox)
    desired = workspace.desired(name)
    request = ChangeRequest(change, urgent, reason, baseline, confirmed=not yes)
    operation = operation_on(desired.owner, "up", workspace, platform, request, note)
    operation.check()
    if desired.landscape:
        operation.rotation = desired.landscape.environment.settings.rotation.model_dump()
    if not json_output:
        _show_desired(desired)
    if audit := judged_plan(workspace, desired):
        operation.judge(audit)
    prepared = _prepared(workspace, desired.owner, platform)
    stack = open_stack(prepared.target, desired.owner, note, downgrade=downgrade)
    run = replace(prepared.target.run_context(), downgrade=downgrade)
    if operation.needs_second_person:
        with Progress() as progress:
            lost = lost_by_update(stack, run, StepProgress(progress, len(desired.objects)))
        operation.second_person(lost, desired.fingerprint)
    if not yes:
        say(t("This changes {stack} in context {context}.", stack=desired.stack, context=prepared.target.context))
        typer.confirm(t("Go on?"), abort=True)
    if sandbox and desired.landscape:
        with Progress() as progress:
            update_admission(
                workspace,
                desired.landscape.environment,
                platform,
                prepared.cli,
                note,
                lambda cluster: StepProgress(progress, len(cluster.objects)),
            )
    running = operation.run(
        context=prepared.target.context,
        release=desired.release,
        before=_fingerprint(stack),
        fingerprint=desired.fingerprint,
    )
    with running as going, Progress() as progress:
        exempted = operation.exemptions(run, going)
        result = stack.up(StepProgress(progress, len(desired.objects)), going.message, exempted)
        going.changes, going.seconds = result.changes, result.seconds
    if json_output:
        found = {"stack": desired.stack, "changes": result.changes, "steps": _changes(result)}
        say_json({**found, "seconds": result.seconds, "trail": going.head})
        return
    _closing(t("up"), result, platform)


@app.command()
def refresh(context: typer.Context, name: Name, sandbox: Sandbox = False, json_output: Json = False) -> None:
    """Compare the cluster with what was last written. Exit code 1 when it differs; nothing is changed.

    The next `ggi up` restores what differs. Example: ggi refresh gm9901 --sandbox
    """
    from ggi.app.deploying import find_drift, open_stack

    workspace, platform = workspace_of(context), platform_of(sandbox)
    desired = workspace.desired(name)
    stack = open_stack(_prepared(workspace, desired.owner, platform).target, desired.owner, note)
    with Progress() as progress:
        result = find_drift(stack, desired, StepProgress(progress, 0))
    if json_output:
        say_json({"stack": desired.stack, "drift": _changes(result)})
    else:
        _show_steps(result)
        _closing(t("refresh"), result, platform, t("nothing differs"))
    if result.changed:
        raise typer.Exit(EXIT_FAILED)


@app.command()
def addresses(
    context: typer.Context,
    name: Name,
    old: Annotated[list[str] | None, typer.Option("--from", help="An address of before; once for each `--to`.")] = None,
    new: Annotated[list[str] | None, typer.Option("--to", help="What that address becomes.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count; nothing is changed.")] = False,
    sandbox: Sandbox = False,
    yes: Yes = False,
    json_output: Json = False,
    change: Change = None,
) -> None:
    """Rewrite addresses in the databases of a landscape, after counting them; each database at once or not at all.

    Without --from and --to: the addresses of Services, which components had before they got their public names.

    Example: ggi addresses gm9901 --dry-run
    """
    from ggi.app.addresses import rewrite_addresses
    from ggi.app.deploying import operation_on
    from ggi.app.operations import ChangeRequest
    from ggi.engine.kubeapi import KubeApi
    from ggi.landscape.addresses import Rewrite, check_rewrites, former_addresses

    workspace, platform = workspace_of(context), platform_of(sandbox)
    built = workspace.landscape(name)
    if len(old or ()) != len(new or ()):
        raise InputError(Problem(t("each --from needs a --to, and each --to a --from"), ""))
    given = [Rewrite(*pair) for pair in zip(old or (), new or (), strict=True)]
    rewrites = check_rewrites(given or former_addresses(built))
    request = ChangeRequest(change, confirmed=not yes)
    operation = operation_on(built.environment, "addresses", workspace, platform, request, note)
    if not dry_run:
        operation.check()
    with KubeApi.from_kubeconfig(*platform.kubeconfig(built.environment)) as api:
        counted = rewrite_addresses(api, built, rewrites, note, apply=False)
        rows = [(c, i.table, i.column, i.rows) for c, items in counted.items() for i in items]
        done = not dry_run and bool(rows)
        if not json_output:
            for pair in rewrites:
                say(f"{pair.old} -> {pair.new}")
            if rows:
                table([t("component"), t("table"), t("column"), t("rows")], [[*map(str, row)] for row in rows])
            say(t("{count} values name an address of before.", count=sum(row[3] for row in rows)))
        if done:
            if not yes:
                typer.confirm(t("Go on?"), abort=True)
            with operation.run(context=api.context) as going:
                found = rewrite_addresses(api, built, rewrites, note, apply=True)
                going.changes = {"update": sum(item.rows for items in found.values() for item in items)}
    if json_output:
        listed = [dict(zip(("component", "table", "column", "rows"), row, strict=True)) for row in rows]
        say_json({"stack": built.stack, "rewritten": done, "counts": listed})
    elif done:
        say(t("Rewritten. Run it once more with --dry-run: it must count nothing."))


@app.command()
def down(
    context: typer.Context,
    name: Name,
    sandbox: Sandbox = False,
    yes: Yes = False,
    json_output: Json = False,
    change: Change = None,
) -> None:
    """Remove a landscape: in the sandbox, or an environment that is not prod.

    Example: ggi down gm9901-accp --sandbox --yes
    """
    from ggi.app.deploying import open_stack, operation_on, refuse_removal
    from ggi.app.operations import ChangeRequest

    workspace, platform = workspace_of(context), platform_of(sandbox)
    owner = workspace.owner(name)
    if not sandbox:
        refuse_removal(owner)
    request = ChangeRequest(change, confirmed=not yes)
    operation = operation_on(owner, "down", workspace, platform, request, note)
    operation.check()
    operation.second_person([owner.stack])
    target = _prepared(workspace, owner, platform).target
    stack = open_stack(target, owner, note)
    if not yes:
        say(
            t(
                "This removes {stack} and all its data in context {context}.",
                stack=owner.stack,
                context=target.context,
            )
        )
        typer.confirm(t("Go on?"), abort=True)
    with operation.run(context=target.context, before=_fingerprint(stack)) as going, Progress() as progress:
        result = stack.destroy(StepProgress(progress, stack.size()), going.message)
        going.changes, going.seconds = result.changes, result.seconds
    if json_output:
        say_json({"stack": owner.stack, "changes": result.changes, "trail": going.head})
    else:
        _closing(t("down"), result, platform, t("there was nothing"))


@app.command()
def env(context: typer.Context, name: Name, sandbox: Sandbox = False) -> None:
    """Print the environment in which plain `pulumi` works on a stack; makes the stack when it is new.

    Example: eval "$(ggi env gm9901-prod --sandbox)" && pulumi preview -s gm9901-prod
    """
    from ggi.app.deploying import open_stack

    workspace = workspace_of(context)
    owner = workspace.owner(name)
    target = _prepared(workspace, owner, platform_of(sandbox)).target
    # Whatever is wrong with the cluster: this is the way to put it right.
    open_stack(target, owner, note, check=False).create()
    say(target.exports())


@app.command()
def status(context: typer.Context, name: Name, sandbox: Sandbox = False, json_output: Json = False) -> None:
    """Show per component whether it is ready in the cluster. Exit code 1 when something is not.

    Example: ggi status gm9901 --sandbox --json
    """
    from ggi.app.running import by_component
    from ggi.engine.kubeapi import KubeApi
    from ggi.engine.status import component_status, running_release

    platform = platform_of(sandbox)
    desired = workspace_of(context).desired(name)
    if desired.landscape is None:
        _status_of_cluster(desired, platform, json_output)
        return
    built = desired.landscape
    environment = built.environment
    with KubeApi.from_kubeconfig(*platform.kubeconfig(environment)) as api:
        found = component_status(api, built)
        release = running_release(api, environment.namespace)
    ready = all(c.ready for c in found) and release is not None
    images = platform.running_images(environment)
    simulated = platform.simulated
    if json_output:
        say_json(
            {
                "stack": built.stack,
                "namespace": environment.namespace,
                "release": {"wanted": environment.release, "running": release},
                "ready": ready,
                "simulated": sandbox,
                "not_real": simulated,
                "components": [_component(c) | _images(c.name, images) for c in found],
            }
        )
    else:
        say(
            t(
                "{stack}: release {running} runs, {wanted} is wanted",
                stack=built.stack,
                running=release or "-",
                wanted=environment.release,
            )
        )
        whose = None if images is None else by_component(images)
        rows = [
            (
                c.title,
                c.version,
                *([] if whose is None else [_mark(whose.get(c.name))]),
                " ".join(f"{p.name.removeprefix(c.name + '-')} {p.detail}".strip() for p in c.parts if p.kind != "Job"),
                c.host,
                paint(t(c.state), STATES.get(c.state, "red")),
            )
            for c in found
        ]
        image = [] if whose is None else [t("image")]
        table((t("component"), t("version"), *image, t("pods"), t("host"), t("state")), rows, indent="  ")
        _say_images(images or (), {c.name: c.title for c in found})
        if simulated:
            say(f"  {t(simulated)}")
    if not ready:
        raise typer.Exit(EXIT_FAILED)


def _status_of_cluster(desired: DesiredStack, platform: Platform, json_output: bool) -> None:
    """What a cluster has of its own: per kind how many objects are there."""
    from ggi.engine.kubeapi import KubeApi

    with KubeApi.from_kubeconfig(*platform.kubeconfig(desired.owner)) as api:
        there = {
            kind: {item["metadata"]["name"] for item in api.list(*kind, labels=f"ggi/stack={desired.stack}")}
            for kind in sorted({(o.api_version, o.kind) for o in desired.objects})
        }
    named = [(o.kind, o.kube_name in there[o.api_version, o.kind]) for o in desired.objects]
    total = Counter(kind for kind, _ in named)
    found = Counter(kind for kind, is_there in named if is_there)
    ready = total == found
    if json_output:
        kinds = {kind: {"wanted": total[kind], "there": found[kind]} for kind in sorted(total)}
        say_json({"stack": desired.stack, "ready": ready, "simulated": platform.sandbox is not None, "kinds": kinds})
    else:
        say(desired.stack)
        rows = [(kind, f"{found[kind]}/{total[kind]}") for kind in sorted(total)]
        table((t("kind"), t("objects")), rows, indent="  ")
    if not ready:
        raise typer.Exit(EXIT_FAILED)


def _say_images(images: Sequence[RunningImage], titles: Mapping[str, str]) -> None:
    """What plays or is packed here, once per kind, and who has it; in lines that fit."""
    from ggi.app.running import not_of_the_release

    for told, parts in not_of_the_release(images).items():
        _say_wrapped(told, "  ")
        for what, names in parts.items():
            who = ", ".join(titles.get(name, name) for name in names)
            _say_wrapped(f"{what}: {who}" if what else who, "    ")


def _say_wrapped(text: str, indent: str) -> None:
    for line in textwrap.wrap(text, columns(), initial_indent=indent, subsequent_indent=indent):
        say(line)


def _mark(kind: ImageKind | None) -> str:
    """The mark of a component whose images are not all those of the release."""
    from ggi.app.running import ImageKind

    return "" if kind in (None, ImageKind.RELEASE) else t(kind)


def _images(name: str, images: Sequence[RunningImage] | None) -> dict[str, Any]:
    """What runs of a component, for JSON; nothing where manifests tell it."""
    if images is None:
        return {}
    keys = ("container", "image", "kind", "program", "version", "says")
    return {"images": [{key: getattr(image, key) for key in keys} for image in images if image.component == name]}


def _component(component: ComponentStatus) -> dict[str, Any]:
    return {
        "name": component.name,
        "title": component.title,
        "version": component.version,
        "state": component.state,
        "ready": component.ready,
        "host": component.host,
        "parts": [
            {"name": p.name, "kind": p.kind, "state": p.state, "detail": p.detail, "ready": p.state == "ready"}
            for p in component.parts
        ],
    }


def _prepared(workspace: Workspace, owner: Owner, platform: Platform) -> PreparedTarget:
    """The target, with its tools there and its cluster running; tells which engine works."""
    from ggi.app.deploying import prepare

    with Progress() as progress:
        found = prepare(workspace, owner, platform, progress)
    if platform.sandbox is None:
        note(
            t(
                "Engine: Pulumi {version} ({how}); context {context}.",
                version=found.cli.version,
                how=found.cli.said,
                context=owner.cluster.context,
            )
        )
        return found
    note(
        t(
            "Engine: Pulumi {version} ({how}); Kubernetes plugin: {plugin}.",
            version=found.cli.version,
            how=found.cli.said,
            plugin=shutil.which("pulumi-resource-kubernetes") or t("the sandbox's stand-in"),
        )
    )
    return found


def _fingerprint(stack: PulumiStack) -> str:
    """The fingerprint of the landscape that the state remembers; empty when there is none."""
    try:
        return str(stack.outputs().get("fingerprint", ""))
    except WorkError:
        return ""


def _show_desired(desired: DesiredStack) -> None:
    """Print what a stack will hold, before it is made."""
    if desired.landscape:
        show_plan(desired.landscape)
        say(t("  drawing: {path}", path=draw(desired.landscape)))
        return
    counts = Counter(item.kind for item in desired.objects)
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    say(
        t(
            "{stack}: {count} objects of the cluster itself: {kinds}",
            stack=desired.stack,
            count=len(desired.objects),
            kinds=kinds,
        )
    )


class StepProgress:
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
            sign = {"create": "+", "create-replacement": "+", "delete": "-", "delete-replaced": "-"}.get(event.op, "~")
            shown = "x" if event.failed else sign
            self._progress(f"  {shown} [{len(self._done)}/{max(self._total, len(self._done))}] {event.name}")


def _closing(verb: str, result: EngineResult, platform: Platform, nothing: str = "") -> None:
    """The last line of a run; in the sandbox it says that pods are simulated."""
    for message in result.messages:
        note(f"  {message}")
    parts = [f"{n} {t(OPERATIONS.get(op, op))}" for op, n in sorted(result.changes.items()) if op != "same"]
    simulated = platform.simulated
    line = t(
        "{verb}: {summary} ({same} unchanged) in {seconds:.0f} s{tail}",
        verb=verb,
        summary=", ".join(parts) or nothing or t("nothing changed"),
        same=result.changes.get("same", 0),
        seconds=result.seconds,
        tail=f"; {t(simulated)}" if simulated else "",
    )
    say(paint(line, "green"))


def _changes(result: EngineResult) -> list[dict[str, Any]]:
    """Every change as JSON."""
    return [{"name": s.name, "type": s.type, "op": s.op, "changed": list(s.changed)} for s in result.steps]


def _show_steps(result: EngineResult) -> None:
    """Print every change, with the properties that differ."""
    for step in result.steps:
        say(f"  {step.op:8} {step.name}" + (f"  [{', '.join(step.changed)}]" if step.changed else ""))
