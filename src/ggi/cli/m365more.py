"""m365 explain|permissions|page|monitor|stand-in|schema: what a recipe asks, what rights it needs, and the booklet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ggi.cli.m365 import Only, Tenant, group, labelled, stage_of
from ggi.cli.m365place import Place
from ggi.cli.options import Json
from ggi.cli.output import note, say, say_json, table
from ggi.cli.workspace import Workspace
from ggi.errors import EXIT_FAILED
from ggi.messages import t

Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write.")]


@group.command()
def explain(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Its id, such as TM-01.")],
    tenant: Tenant,
    json_output: Json = False,
) -> None:
    """Tell what a recipe asks of a tenant, why, and who decides. Contacts nothing.

    Example: ggi m365 explain EN-01 m365-rijnstad
    """
    from ggi.cookbook.booklet import channel_words, rows

    place = Place(tenant, False, Workspace())
    (target,) = place.targets([recipe])
    found = target.recipe.file
    if json_output:
        say_json(
            {
                **found.model_dump(mode="json"),
                "tenant": place.tenant.stack,
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
        [(row.object, row.path, row.wanted) for row in rows(target.recipe, place.book)],
        indent="  ",
    )
    origin = place.tenant.origin("recipes", found.id)
    facts = [
        (t("stage"), f"{target.stage.value} ({origin})"),
        (t("how"), channel_words(target.recipe, place.book)),
        (t("users notice"), found.impact),
        (t("advice"), found.rollout),
        (t("Decides"), found.owner),
        (t("Sources"), "; ".join(str(s) for s in found.sources)),
        ("ISO 27002 / BIO2", ", ".join(found.iso27002)),
    ]
    if found.verify:
        facts.append((t("Still to verify"), str(found.verify)))
    for name in place.book.parameters_of(target.recipe):
        parameter = place.book.parameters[name]
        value = (
            t("not decided") if name in target.undecided else place.tenant.file.parameters.get(name, parameter.default)
        )
        facts.append((name, f"{value}  ({parameter.title}; {parameter.decides})"))
    table((t("fact"), ""), facts, indent="  ")
    say(t("  A proposal with its sources, not an official text; {file}", file=target.recipe.origin.file))


@group.command()
def permissions(
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
    import json

    from ggi.cookbook.permissions import manifest, program, rights
    from ggi.cookbook.targets import targets

    place = Place(tenant, False, Workspace())
    found = rights(targets(place.tenant, place.book, only or (), stage_of(stage)), place.book, impact=impact)
    made = manifest(place.tenant, found)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "manifest.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
        (out / "__main__.py").write_text(program(place.tenant, found), encoding="utf-8")
        note(t("  written: {path}", path=out / "manifest.json"))
        note(t("  written: {path}", path=out / "__main__.py"))
    if json_output:
        say_json(made)
        return
    rows = [
        (kind, right, _some(sorted(recipes)))
        for kind, place_of in (
            (t("application"), found.application),
            (t("administrator"), found.delegated),
            ("Exchange", found.exchange),
            (t("Entra role"), found.roles),
        )
        for right, recipes in sorted(place_of.items())
    ]
    table((t("for"), t("right"), t("recipes")), rows, indent="  ")
    say(
        t(
            "{stack}: {count} rights, by the stages in {file}",
            stack=place.tenant.stack,
            count=len(rows),
            file=place.tenant.origin().file,
        )
    )


def _some(names: list[str]) -> str:
    return (
        ", ".join(names)
        if len(names) <= 8
        else t("{names} and {count} others", names=", ".join(names[:7]), count=len(names) - 7)
    )


@group.command()
def page(out: Out) -> None:
    """Write the Cookbook as a booklet: HTML in Dutch and in English.

    Example: ggi m365 page --out booklet
    """
    from ggi.cookbook.booklet import write_booklets
    from ggi.cookbook.content import load_cookbook

    for path in write_booklets(load_cookbook(Workspace().catalogue.roots), out):
        say(t("  written: {path}", path=path))


@group.command()
def monitor(tenant: Tenant) -> None:
    """Print the recipes as a monitor of Microsoft's UTCM, as JSON, with what it does not cover. Contacts nothing.

    Example: ggi m365 monitor m365-rijnstad
    """
    from ggi.cookbook.utcm import monitor as made

    place = Place(tenant, False, Workspace())
    say_json(made(place.tenant, place.targets(None), place.book))


@group.command(name="stand-in")
def stand_in(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="reset, set, revoke, grant or show.")],
    tenant: Tenant,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[WORDS]", help="set: OBJECT PROPERTY=VALUE; revoke, grant: NAME.")
    ] = None,
) -> None:
    """Change the stand-in tenant by hand, to see drift and missing rights. Nothing of Microsoft 365 is contacted.

    Example: ggi m365 stand-in set m365-rijnstad teams/meetingPolicy/Global AllowCloudRecording=true
    """
    from sandbox.graph.byhand import change

    place = Place(tenant, True, Workspace())
    for line in change(place.tenant.stack, what, words or []):
        say(line)
    labelled(place)


@group.command()
def schema(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit code 1 when one is stale.")] = False,
) -> None:
    """Write what is made from the content: the JSON Schemas that editors use, and the runner's allow-list.

    Example: ggi m365 schema --check
    """
    from ggi.cookbook.content import cookbook_schemas, load_cookbook
    from ggi.cookbook.runner import ALLOW_LIST as FILE
    from ggi.cookbook.runner import allow_list as text_of
    from ggi.inventory.schema import stale, write_schemas
    from ggi.paths import ROOT

    folder, made = ROOT / "cookbook" / "schema", cookbook_schemas()
    text = text_of(load_cookbook([ROOT]))
    changed = [path.name for path in (stale(folder, made) if check else write_schemas(folder, made))]
    if not FILE.is_file() or FILE.read_text(encoding="utf-8") != text:
        changed.append(FILE.name)
        if not check:
            FILE.write_text(text, encoding="utf-8")
    for name in changed:
        say(f"  ~ {name}")
    if check and changed:
        raise typer.Exit(EXIT_FAILED)
