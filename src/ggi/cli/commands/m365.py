"""m365: compare a Microsoft 365 tenant with the Cookbook, change it, and keep what was seen of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ggi.cli import completion
from ggi.cli.options import Change, Json, Reason, SignedBy, Urgent, Yes
from ggi.cli.output import Progress, note, paint, say, say_json, table
from ggi.cli.root import app, platform_of, workspace_of
from ggi.errors import EXIT_FAILED, InputError, Problem
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.app.m365 import TenantAccess
    from ggi.cookbook.plan import WritePlan
    from ggi.inventory.m365 import Stage

group = typer.Typer(
    name="m365",
    help="The Cookbook: one baseline for Microsoft 365, compared with a tenant and applied to it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(group)

Tenant = Annotated[
    str, typer.Argument(metavar="TENANT", autocompletion=completion.m365_tenants, help="m365-rijnstad, or rijnstad.")
]
StandIn = Annotated[
    bool, typer.Option("--sandbox", help="Use a stand-in tenant on this machine; Microsoft 365 is not contacted.")
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only", metavar="RECIPE", autocompletion=completion.recipes, help="Only this recipe; can be repeated."
    ),
]
ReportOnly = Annotated[
    bool, typer.Option("--report-only", help="Conditional access policies only report; nothing is enforced.")
]
StageOption = Annotated[
    str | None, typer.Option("--stage", metavar="STAGE", help="On a stand-in: every recipe at this stage.")
]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write.")]
ByHand = Annotated[
    Path | None,
    typer.Option("--by-hand", metavar="DIR", help="Write plans for PowerShell here, and take results from here."),
]


def stage_of(text: str | None) -> Stage | None:
    """The stage that a person names. Raises InputError."""
    from ggi.inventory.m365 import Stage

    if text is None:
        return None
    try:
        return Stage(text)
    except ValueError:
        known = ", ".join(stage.value for stage in Stage)
        raise InputError(Problem(t("there is no stage {name}", name=text), t("Known: {names}.", names=known))) from None


def _access(context: typer.Context, tenant: str, sandbox: bool, by_hand: Path | None = None) -> TenantAccess:
    """The tenant that is meant, and the way in."""
    from ggi.app.m365 import TenantAccess

    return TenantAccess(tenant, workspace_of(context), platform_of(sandbox), note, by_hand)


def _label(access: TenantAccess) -> None:
    """Say that a stand-in was looked at."""
    if access.platform.sandbox:
        say(t("  This is a stand-in tenant on this machine; nothing of Microsoft 365 was contacted."))


def _say_data(access: TenantAccess, **facts: Any) -> None:
    """Print as JSON what was found, and of which tenant."""
    say_json({"tenant": access.tenant.stack, "stand_in": access.platform.sandbox is not None, **facts})


@group.command()
def plan(
    context: typer.Context,
    tenant: Tenant,
    sandbox: StandIn = False,
    only: Only = None,
    report_only: ReportOnly = False,
    stage: StageOption = None,
    by_hand: ByHand = None,
    impact: Annotated[bool, typer.Option("--impact", help="Count who would be hit, in logs and guest lists.")] = False,
    json_output: Json = False,
) -> None:
    """Show what differs from the Cookbook and what would be written. Changes nothing.

    Example: ggi m365 plan m365-rijnstad --sandbox --impact
    """
    from ggi.cookbook.impact import RIGHTS, countable
    from ggi.cookbook.show import plan_data, plan_lines

    access = _access(context, tenant, sandbox, by_hand)
    made, remarks = access.plan(only or (), stage_of(stage), report_only=report_only, count=impact)
    if json_output:
        _say_data(access, **plan_data(made, remarks))
        return
    for line in plan_lines(made, access.book, remarks):
        say(line)
    if not impact and countable(made):
        say(t("  --impact counts who would be hit (needs {rights}).", rights=", ".join(RIGHTS)))
    _label(access)


@group.command()
def apply(
    context: typer.Context,
    tenant: Tenant,
    sandbox: StandIn = False,
    only: Only = None,
    report_only: ReportOnly = False,
    stage: StageOption = None,
    by_hand: ByHand = None,
    yes: Yes = False,
    change: Change = None,
    urgent: Urgent = False,
    reason: Reason = None,
    json_output: Json = False,
) -> None:
    """Write the recipes that are at stage apply, each read again afterwards. Stops at the first that does not stick.

    A trail keeps who did it, when and for what. Example: ggi m365 apply m365-rijnstad --sandbox --stage apply --yes
    """
    from ggi.app.operations import ChangeRequest
    from ggi.cookbook.show import change_data, plan_lines

    access = _access(context, tenant, sandbox, by_hand)
    operation = access.operation("apply", ChangeRequest(change, urgent, reason, confirmed=not yes))
    chosen = access.targets(only or (), stage_of(stage))
    operation.check()

    def agreed(made: WritePlan) -> None:
        if not json_output:
            for line in plan_lines(made, access.book, writing=True):
                say(line)
        if made.changes and not yes:
            typer.confirm(t("Write this ({count})?", count=len(made.changes)), abort=True)

    with access.only_writer(), Progress() as progress:
        written = access.apply(chosen, operation, progress, agreed, report_only=report_only)
    if json_output:
        _say_data(access, written=[change_data(c) for c in written])
        return
    done = t("Written and seen again: {count}.", count=len(written)) if written else t("0 writes.")
    say(paint(done, "green"))
    _label(access)


@group.command()
def check(
    context: typer.Context,
    tenant: Tenant,
    sandbox: StandIn = False,
    only: Only = None,
    by_hand: ByHand = None,
    json_output: Json = False,
) -> None:
    """Tell for every recipe whether the tenant complies. Exit code 1 when something differs or can't be read.

    Example: ggi m365 check m365-rijnstad --sandbox
    """
    from ggi.cookbook.judge import Compliance
    from ggi.cookbook.show import check_rows, closing, judged_data

    access = _access(context, tenant, sandbox, by_hand)
    made, _ = access.plan(only or ())
    if json_output:
        _say_data(access, recipes=[judged_data(one, made) for one in made.judged])
    else:
        if rows := check_rows(made):
            table((t("recipe"), t("outcome"), t("object"), t("seen"), t("wanted")), rows, indent="  ")
        open_ones = [one for one in made.judged if one.outcome is not Compliance.COMPLIANT and one not in made.waived]
        say(paint(closing(access.tenant.stack, made), "red" if open_ones else "green"))
        _label(access)
    if any(one.outcome is not Compliance.COMPLIANT for one in made.judged if one not in made.waived):
        raise typer.Exit(EXIT_FAILED)


@group.command()
def release(
    context: typer.Context,
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", autocompletion=completion.recipes, help="Its id, such as TM-01.")
    ],
    tenant: Tenant,
    sandbox: StandIn = False,
    restore: Annotated[bool, typer.Option("--restore", help="Write back what was there before the Cookbook.")] = False,
    yes: Yes = False,
    change: Change = None,
) -> None:
    """Leave a recipe's settings to the tenant again. Without --restore nothing is written.

    Example: ggi m365 release TM-01 m365-rijnstad --sandbox --restore --yes
    """
    from ggi.app.operations import ChangeRequest

    access = _access(context, tenant, sandbox)
    operation = access.operation("release", ChangeRequest(change, confirmed=not yes))
    if restore:
        operation.check()
    chosen = access.targets([recipe])
    if restore and not yes:
        typer.confirm(t("Write back what was there before?"), abort=True)
    with access.only_writer():
        count = len(access.release(chosen, operation, note, restore=restore))
    say(t("{recipe} is released; {count} writes.", recipe=recipe.upper(), count=count))
    _label(access)


@group.command()
def explain(
    context: typer.Context,
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", autocompletion=completion.recipes, help="Its id, such as TM-01.")
    ],
    tenant: Tenant,
    json_output: Json = False,
) -> None:
    """Tell what a recipe asks of a tenant, why, and who decides. Contacts nothing.

    Example: ggi m365 explain EN-01 m365-rijnstad
    """
    from ggi.cookbook.booklet import channel_words, rows

    access = _access(context, tenant, False)
    (target,) = access.targets([recipe])
    found = target.recipe.file
    if json_output:
        say_json(
            {
                **found.model_dump(mode="json"),
                "tenant": access.tenant.stack,
                "stage": target.stage.value,
                "undecided": list(target.undecided),
                "asked": [
                    {"object": str(a.ref), "path": w.path, "comparison": w.comparison, "wanted": w.value}
                    for a in target.asked
                    for w in a.wants
                ],
            }
        )
        return
    say(f"{found.id}  {found.title}")
    say(f"  {found.why}")
    table(
        (t("object"), t("property"), t("wanted")),
        [(row.object, row.path, row.wanted) for row in rows(target.recipe, access.book)],
        indent="  ",
    )
    origin = access.tenant.origin("recipes", found.id)
    facts = [
        (t("stage"), f"{target.stage.value} ({origin})"),
        (t("how"), channel_words(target.recipe, access.book)),
        (t("users notice"), found.impact),
        (t("advice"), found.rollout),
        (t("Decides"), found.owner),
        (t("Sources"), "; ".join(str(s) for s in found.sources)),
        ("ISO 27002 / BIO2", ", ".join(found.iso27002)),
    ]
    if found.verify:
        facts.append((t("Still to verify"), str(found.verify)))
    for name in access.book.parameters_of(target.recipe):
        parameter = access.book.parameters[name]
        value = (
            t("not decided") if name in target.undecided else access.tenant.file.parameters.get(name, parameter.default)
        )
        facts.append((name, f"{value}  ({parameter.title}; {parameter.decides})"))
    table((t("fact"), ""), facts, indent="  ")
    say(t("  A proposal with its sources, not an official text; {file}", file=target.recipe.origin.file))


@group.command()
def permissions(
    context: typer.Context,
    tenant: Tenant,
    only: Only = None,
    stage: Annotated[
        str | None, typer.Option("--stage", metavar="STAGE", help="As if every recipe were at this stage.")
    ] = None,
    impact: Annotated[bool, typer.Option("--impact", help="Also what `plan --impact` counts with.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Also write a manifest and a Pulumi program.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Print the least rights for the recipes in use, at their stages. Contacts nothing.

    Example: ggi m365 permissions m365-rijnstad --out app
    """
    from ggi.cookbook.permissions import manifest, program, rights
    from ggi.cookbook.targets import targets

    access = _access(context, tenant, False)
    found = rights(targets(access.tenant, access.book, only or (), stage_of(stage)), access.book, impact=impact)
    made = manifest(access.tenant, found)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "manifest.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
        (out / "__main__.py").write_text(program(access.tenant, found), encoding="utf-8")
        note(t("  written: {path}", path=out / "manifest.json"))
        note(t("  written: {path}", path=out / "__main__.py"))
    if json_output:
        say_json(made)
        return
    rows = [
        (kind, right, _some(sorted(recipes)))
        for kind, rights_by_recipe in (
            (t("application"), found.application),
            (t("administrator"), found.delegated),
            ("Exchange", found.exchange),
            (t("Entra role"), found.roles),
        )
        for right, recipes in sorted(rights_by_recipe.items())
    ]
    table((t("for"), t("right"), t("recipes")), rows, indent="  ")
    say(
        t(
            "{stack}: {count} rights, by the stages in {file}",
            stack=access.tenant.stack,
            count=len(rows),
            file=access.tenant.origin().file,
        )
    )


def _some(names: list[str]) -> str:
    return (
        ", ".join(names)
        if len(names) <= 8
        else t("{names} and {count} others", names=", ".join(names[:7]), count=len(names) - 7)
    )


@group.command()
def page(context: typer.Context, out: Out) -> None:
    """Write the Cookbook as a booklet: HTML in Dutch and in English.

    Example: ggi m365 page --out booklet
    """
    from ggi.cookbook.booklet import write_booklets

    for path in write_booklets(workspace_of(context).cookbook, out):
        say(t("  written: {path}", path=path))


@group.command()
def monitor(context: typer.Context, tenant: Tenant) -> None:
    """Print the recipes as a monitor of Microsoft's UTCM, as JSON, with what it does not cover. Contacts nothing.

    Example: ggi m365 monitor m365-rijnstad
    """
    from ggi.cookbook.utcm import monitor as made

    access = _access(context, tenant, False)
    say_json(made(access.tenant, access.targets(), access.book))


@group.command(name="stand-in")
def stand_in(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="WHAT", help="reset, set, revoke, grant or show.")],
    tenant: Tenant,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[WORDS]", help="set: OBJECT PROPERTY=VALUE; revoke, grant: NAME.")
    ] = None,
) -> None:
    """Change the stand-in tenant by hand, to see drift and missing rights. Nothing of Microsoft 365 is contacted.

    Example: ggi m365 stand-in set m365-rijnstad teams/meetingPolicy/Global AllowCloudRecording=true
    """
    from sandbox.graph.byhand import change as change_stand_in

    access = _access(context, tenant, True)
    for line in change_stand_in(access.tenant.stack, str(access.platform.sandbox), what, words or []):
        say(line)
    _label(access)


@group.command()
def schema(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit code 1 when one is stale.")] = False,
) -> None:
    """Write what is made from the content: the JSON Schemas that editors use, and the runner's allow-list.

    Example: ggi m365 schema --check
    """
    from ggi.cookbook.content import cookbook_schemas, load_cookbook
    from ggi.cookbook.runner import ALLOW_LIST, allow_list
    from ggi.inventory.schema import stale, write_schemas
    from ggi.paths import ROOT

    folder, made = ROOT / "cookbook" / "schema", cookbook_schemas()
    text = allow_list(load_cookbook([ROOT]))
    changed = [path.name for path in (stale(folder, made) if check else write_schemas(folder, made))]
    if not ALLOW_LIST.is_file() or ALLOW_LIST.read_text(encoding="utf-8") != text:
        changed.append(ALLOW_LIST.name)
        if not check:
            ALLOW_LIST.write_text(text, encoding="utf-8")
    for name in changed:
        say(f"  ~ {name}")
    if check and changed:
        raise typer.Exit(EXIT_FAILED)


@group.command()
def snapshot(
    context: typer.Context,
    tenant: Tenant,
    sandbox: StandIn = False,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="Ed25519 key that signs it; default: your own.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Keep what is there now, signed; `ggi audit --from state` and `drift` work on it.

    Example: ggi m365 snapshot m365-rijnstad --sandbox
    """
    from ggi.assurance.signing import own_key, private_key
    from ggi.cookbook.snapshot import save, take

    access = _access(context, tenant, sandbox)
    chosen = access.targets()
    signer = private_key(key) if key is not None else own_key()
    seen = access.read(chosen, remember=True)
    path = save(take(access.tenant.stack, seen, stand_in=sandbox), access.snapshots, signer)
    if json_output:
        _say_data(access, file=str(path))
        return
    say(t("  written: {path}", path=path))
    _label(access)


@group.command()
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A snapshot; its signature lies beside it.")],
    key: SignedBy = None,
    json_output: Json = False,
) -> None:
    """Check a snapshot, also one of another machine: is it as it was signed, and whose key signed it?

    Example: ggi m365 verify snapshot.json --key ciso.pem
    """
    from ggi.assurance.signing import fingerprint, name_signer
    from ggi.cookbook.snapshot import verify_snapshot

    found, signer = verify_snapshot(file)
    owner, other = name_signer(signer, key)
    if json_output:
        facts = {"tenant": found.stack, "taken": found.taken, "stand_in": found.stand_in, "objects": len(found.seen)}
        say_json({**facts, "signer": fingerprint(signer), "named": not other})
    else:
        say(t("  {stack}, read at {date}: {count} objects", stack=found.stack, date=found.taken, count=len(found.seen)))
        if found.stand_in:
            say(t("  This is a stand-in tenant on this machine; nothing of Microsoft 365 was contacted."))
        say(t("  signed with {fingerprint}: {whose}", fingerprint=fingerprint(signer), whose=owner))
        say(paint(t("{file}: as it was signed", file=file), "yellow" if other else "green"))
    if other:
        raise typer.Exit(EXIT_FAILED)


@group.command()
def baseline(
    context: typer.Context,
    tenant: Tenant,
    sandbox: StandIn = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the draft here.")] = None,
) -> None:
    """Draft today's deviations with their values (nulmeting), for people to decide on.

    Example: ggi m365 baseline m365-rijnstad --sandbox --out policies/waivers/m365/rijnstad.yaml
    """
    from ggi.clock import today
    from ggi.cookbook.deviations import draft
    from ggi.cookbook.judge import judge

    access = _access(context, tenant, sandbox)
    chosen = access.targets()
    text = draft(judge(chosen, access.read(chosen, remember=True), access.book), access.book, today())
    if out is None:
        say(text.rstrip())
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    say(t("  written: {path}", path=out))
    _label(access)


@group.command()
def drift(
    context: typer.Context,
    tenant: Tenant,
    sandbox: StandIn = False,
    only: Only = None,
    since: Annotated[
        Path | None, typer.Option("--since", metavar="FILE", help="Compare with this snapshot; default: what is known.")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Look at the newest snapshot, not at the tenant.")] = False,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="Public key of snapshots; default: your own.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Show what others changed since the Cookbook last wrote or looked. Exit code 1 when something was.

    Example: ggi m365 drift m365-rijnstad --sandbox
    """
    from ggi.assurance.signing import own_key, public_key_of
    from ggi.cookbook.judge import Compliance
    from ggi.cookbook.show import outcome_word
    from ggi.cookbook.snapshot import load, newest

    access = _access(context, tenant, sandbox)
    chosen = access.targets(only or ())
    signer = public_key_of(key) if key is not None else own_key().public_key()
    earlier = load(since, signer, access.tenant.stack) if since is not None else None
    later = newest(access.snapshots, signer, access.tenant.stack) if offline else None
    found, date = access.find_drift(chosen, earlier, later)
    if json_output:
        _say_data(access, since=date, changed=[f.data() for f in found])
    else:
        if found:
            rows = [(f.recipe, f.object, f.path, f.was, f.now, outcome_word(Compliance(f.verdict))) for f in found]
            table((t("recipe"), t("object"), t("property"), t("was"), t("is"), t("outcome")), rows, indent="  ")
        color = "red" if found else "green"
        text = t(
            "{stack}: settings that others changed since {date}: {count}",
            stack=access.tenant.stack,
            count=len(found),
            date=date,
        )
        say(paint(text, color))
        _label(access)
    if found:
        raise typer.Exit(EXIT_FAILED)
