"""m365 plan|apply|check|drift|release: compare a Microsoft 365 tenant with the Cookbook, and change it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ggi.cli.app import app
from ggi.cli.m365place import Place, only_one, run
from ggi.cli.options import Json, Yes
from ggi.cli.output import Progress, note, paint, say, say_json, table
from ggi.cli.workspace import Workspace
from ggi.errors import EXIT_FAILED, InputError, Problem
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.cookbook.impact import Remark
    from ggi.cookbook.plan import Plan
    from ggi.inventory.m365 import Stage

group = typer.Typer(
    name="m365",
    help="The Cookbook: one baseline for Microsoft 365, compared with a tenant and applied to it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(group)

Tenant = Annotated[str, typer.Argument(metavar="TENANT", help="m365-rijnstad, or rijnstad.")]
StandIn = Annotated[
    bool, typer.Option("--sandbox", help="Use a stand-in tenant on this machine; Microsoft 365 is not contacted.")
]
Only = Annotated[list[str] | None, typer.Option("--only", metavar="RECIPE", help="Only this recipe; can be repeated.")]
ReportOnly = Annotated[
    bool, typer.Option("--report-only", help="Conditional access policies only report; nothing is enforced.")
]
StageOption = Annotated[
    str | None, typer.Option("--stage", metavar="STAGE", help="On a stand-in: every recipe at this stage.")
]


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


def labelled(place: Place) -> None:
    """Say that a stand-in was looked at."""
    if place.sandbox:
        say(t("  This is a stand-in tenant on this machine; nothing of Microsoft 365 was contacted."))


@group.command()
def plan(
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

    place = Place(tenant, sandbox, Workspace(), by_hand)
    made, remarks = run(_planned(place, only, stage_of(stage), report_only, count=impact))
    if json_output:
        say_json({"tenant": place.tenant.stack, "stand_in": sandbox, **plan_data(made, remarks)})
        return
    for line in plan_lines(made, place.book, remarks):
        say(line)
    if not impact and countable(made):
        say(t("  --impact counts who would be hit (needs {rights}).", rights=", ".join(RIGHTS)))
    labelled(place)


async def _planned(
    place: Place, only: list[str] | None, stage: Stage | None, report_only: bool, *, count: bool = False
) -> tuple[Plan, list[Remark]]:
    """The plan, and what can be said of it in this tenant; with `count`, also what has to be counted first."""
    from ggi.cookbook.deviations import waived_in
    from ggi.cookbook.graph.channel import GraphChannel
    from ggi.cookbook.impact import counted, forgotten

    chosen = place.targets(only, stage)
    async with place.session() as session:
        waived = waived_in(place.workspace.catalogue.roots, place.tenant, place.book)
        made = await session.plan(chosen, waived, report_only=report_only)
        remarks = list(forgotten(made.judged))
        graph = session.channels["graph"]
        if count and isinstance(graph, GraphChannel):
            remarks += await counted(made, graph.application)
        return made, remarks


@group.command()
def apply(
    tenant: Tenant,
    sandbox: StandIn = False,
    only: Only = None,
    report_only: ReportOnly = False,
    stage: StageOption = None,
    by_hand: ByHand = None,
    yes: Yes = False,
    json_output: Json = False,
) -> None:
    """Write the recipes that are at stage apply, each read again afterwards. Stops at the first that does not stick.

    Example: ggi m365 apply m365-rijnstad --sandbox --stage apply --yes
    """
    from ggi.cookbook.deviations import waived_in
    from ggi.cookbook.show import change_data, plan_lines

    place = Place(tenant, sandbox, Workspace(), by_hand)
    chosen = place.targets(only, stage_of(stage))

    async def work(report: Any) -> list[Any]:
        async with place.session(report) as session:
            if run := session.journal.run:
                left = len(run["asked"]) - len(run["done"])
                note(
                    t("The run of {date} stopped with {left} changes to go; going on.", date=run["started"], left=left)
                )
            waived = waived_in(place.workspace.catalogue.roots, place.tenant, place.book)
            made = await session.plan(chosen, waived, report_only=report_only)
            if not json_output:
                for line in plan_lines(made, place.book, writing=True):
                    say(line)
            if made.changes and not yes:
                typer.confirm(t("Write this ({count})?", count=len(made.changes)), abort=True)
            await session.apply(made)
            return session.written

    with only_one(place, note), Progress() as progress:
        written = run(work(progress))
    if json_output:
        say_json({"tenant": place.tenant.stack, "stand_in": sandbox, "written": [change_data(c) for c in written]})
        return
    done = t("Written and seen again: {count}.", count=len(written)) if written else t("0 writes.")
    say(paint(done, "green"))
    labelled(place)


@group.command()
def check(
    tenant: Tenant, sandbox: StandIn = False, only: Only = None, by_hand: ByHand = None, json_output: Json = False
) -> None:
    """Tell for every recipe whether the tenant complies. Exit code 1 when something differs or can't be read.

    Example: ggi m365 check m365-rijnstad --sandbox
    """
    from ggi.cookbook.judge import Compliance
    from ggi.cookbook.show import check_rows, closing, judged_data

    place = Place(tenant, sandbox, Workspace(), by_hand)
    made, _ = run(_planned(place, only, None, False))
    if json_output:
        say_json(
            {
                "tenant": place.tenant.stack,
                "stand_in": sandbox,
                "recipes": [judged_data(one, made) for one in made.judged],
            }
        )
    else:
        if rows := check_rows(made):
            table((t("recipe"), t("outcome"), t("object"), t("seen"), t("wanted")), rows, indent="  ")
        open_ones = [one for one in made.judged if one.outcome is not Compliance.COMPLIANT and one not in made.waived]
        say(paint(closing(place.tenant.stack, made), "red" if open_ones else "green"))
        labelled(place)
    if any(one.outcome is not Compliance.COMPLIANT for one in made.judged if one not in made.waived):
        raise typer.Exit(EXIT_FAILED)


@group.command()
def release(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Its id, such as TM-01.")],
    tenant: Tenant,
    sandbox: StandIn = False,
    restore: Annotated[bool, typer.Option("--restore", help="Write back what was there before the Cookbook.")] = False,
    yes: Yes = False,
) -> None:
    """Leave a recipe's settings to the tenant again. Without --restore nothing is written.

    Example: ggi m365 release TM-01 m365-rijnstad --sandbox --restore --yes
    """
    place = Place(tenant, sandbox, Workspace())
    chosen = place.targets([recipe])
    if restore and not yes:
        typer.confirm(t("Write back what was there before?"), abort=True)

    async def work() -> int:
        async with place.session(note) as session:
            return len(await session.release(chosen, restore=restore))

    with only_one(place, note):
        count = run(work())
    say(t("{recipe} is released; {count} writes.", recipe=recipe.upper(), count=count))
    labelled(place)
