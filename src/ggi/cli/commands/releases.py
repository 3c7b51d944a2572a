"""release list|show|diff|pin: which version of every component goes together, and what changes between two releases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ggi.cli.options import Json
from ggi.cli.output import note, paint, say, say_json, table
from ggi.cli.root import app, workspace_of
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.catalogue.content import Catalogue
    from ggi.catalogue.release import Release

group = typer.Typer(
    name="release",
    help="Releases: which version and image of every component goes together.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(group)


def _release(catalogue: Catalogue, name: str) -> Release:
    from ggi.errors import InputError, Problem
    from ggi.inventory.validate import nearest

    if name not in catalogue.releases:
        raise InputError(Problem(t("there is no release {name}", name=name), nearest(name, catalogue.releases)))
    return catalogue.releases[name]


def _unknown_digests(release: Release) -> int:
    from ggi.catalogue.release import UNKNOWN

    return sum(i.digest == UNKNOWN for c in release.model.components.values() for i in c.images.values())


@group.command("list")
def list_releases(context: typer.Context, json_output: Json = False) -> None:
    """List the releases, oldest first, with the number of stacks that are on each.

    Example: ggi release list
    """
    from ggi.errors import GgiError
    from ggi.inventory.types import release_order

    workspace = workspace_of(context)
    try:
        used = [environment.release for environment in workspace.inventory.environments()]
    except GgiError:
        # The list is of use while an inventory is being repaired; `validate` tells what is wrong with it.
        used = []
    rows: list[dict[str, Any]] = []
    for name in sorted(workspace.catalogue.releases, key=release_order):
        release = workspace.catalogue.releases[name]
        rows.append(
            {
                "release": name,
                "date": release.model.date,
                "title": release.model.title,
                "components": len(release.model.components),
                "unknown_digests": _unknown_digests(release),
                "stacks": used.count(name),
            }
        )
    if json_output:
        say_json(rows)
        return
    headers = (t("release"), t("date"), t("components"), t("unknown digests"), t("stacks"), t("title"))
    shown = [(r["release"], r["date"], r["components"], r["unknown_digests"], r["stacks"], t(r["title"])) for r in rows]
    table(headers, shown)


@group.command()
def show(
    context: typer.Context, name: Annotated[str, typer.Argument(metavar="RELEASE")], json_output: Json = False
) -> None:
    """Show the versions and images of one release. A digest that nobody has read is shown as unknown.

    Example: ggi release show 2026.4
    """
    from ggi.catalogue.release import UNKNOWN

    catalogue = workspace_of(context).catalogue
    release = _release(catalogue, name)
    if json_output:
        say_json(release.model.model_dump(mode="json"))
        return
    say(f"{release.model.release}  {release.model.date}  {t(release.model.title)}")
    rows = []
    for component, version in sorted(release.model.components.items()):
        known = catalogue.components.get(component)
        title = known.title if known else component
        for image, file in version.images.items():
            digest = paint(t("unknown"), "yellow") if file.digest == UNKNOWN else file.digest[:19] + "…"
            rows.append((title, version.version, image, f"{file.repository}:{file.tag}", digest))
            title = ""
    table((t("component"), t("version"), t("image"), t("reference"), t("digest")), rows, "  ")


def _what(what: str) -> str:
    """What differs, in words: `component`, `version`, or one of the images."""
    kind, _, name = what.partition(" ")
    return f"{t(kind)} {name}".rstrip()


def _side(what: str, value: str) -> str:
    """One side of a difference: an image with the beginning of its digest, or the remark that nobody knows it."""
    if not value:
        return "-"
    reference, _, digest = value.partition("@")
    if not what.startswith("image"):
        return value
    return f"{reference} ({digest[:19]}…)" if digest else f"{reference} ({t('digest unknown')})"


@group.command()
def diff(
    context: typer.Context,
    old: Annotated[str, typer.Argument(metavar="OLD")],
    new: Annotated[str, typer.Argument(metavar="NEW")],
    json_output: Json = False,
) -> None:
    """Show what changes between two releases, and what an operator must know.

    Example: ggi release diff 2026.3 2026.4
    """
    from ggi.catalogue.release import difference

    catalogue = workspace_of(context).catalogue
    before, after = _release(catalogue, old), _release(catalogue, new)
    changes = difference(before, after)
    if json_output:
        rows = [
            {"component": c.component, "what": c.what, "before": c.before, "after": c.after, "notes": c.notes}
            for c in changes
        ]
        say_json({"old": old, "new": new, "changes": rows, "unknown_digests": _unknown_digests(after)})
        return
    if not changes:
        say(t("{old} and {new} are the same.", old=old, new=new))
        return
    shown = [(c.component, _what(c.what), _side(c.what, c.before), _side(c.what, c.after)) for c in changes]
    table((t("component"), t("what"), old, new), shown)
    for change in changes:
        if change.notes:
            say(f"\n{paint(change.component, 'bold')} {change.after}: {t(change.notes)}")
    if count := _unknown_digests(after):
        say()
        say(t("{count} images of {new} have no known digest; they run by tag.", count=count, new=new))


@group.command()
def pin(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="RELEASE")],
    again: Annotated[bool, typer.Option("--again", help="Also images that have a digest: did their tag move?")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and show; write nothing.")] = False,
    json_output: Json = False,
) -> None:
    """Read the digests of a release's images from their registries, and write them into the release.

    A digest is computed from what the registry sends. An image that can't be read stays as it is, and the exit code is
    1. Signatures are checked with the program cosign where the release says who signs an image.

    Example: ggi release pin 2026.4
    """
    from dataclasses import asdict

    from ggi.app.pinning import Pin, Pinning, pin_file
    from ggi.engine.net import client, mirrors
    from ggi.engine.oci import TIMEOUT, Registries

    catalogue = workspace_of(context).catalogue
    _release(catalogue, name)
    done: list[Pin] = []
    with client(timeout=TIMEOUT) as http:
        pinning = Pinning(Registries(http, mirrors()), note)
        for root in dict.fromkeys(catalogue.roots):
            path = root / "stacks" / "releases" / f"{name}.yaml"
            if path.is_file():
                done += pin_file(path, f"stacks/releases/{path.name}", pinning, again, dry_run)
    failed = [one for one in done if one.error]
    if json_output:
        say_json({"release": name, "written": not dry_run, "images": [asdict(one) for one in done]})
    elif not done:
        say(t("Every image of {name} has a digest.", name=name))
    else:
        table(
            (t("component"), t("image"), t("digest"), t("signature")),
            [
                (
                    one.component,
                    one.reference,
                    paint(one.error, "red") if one.error else _moved(one.before, one.digest),
                    t(one.signed) if one.signed else "-",
                )
                for one in done
            ],
        )
    if failed:
        note(t("{count} images could not be read and stay as they are.", count=len(failed)))
        raise typer.Exit(1)


def _moved(before: str, digest: str) -> str:
    """A digest in short, with the one that the release had when that was another one."""
    from ggi.catalogue.release import UNKNOWN

    return f"{digest[:19]}…" if before in (UNKNOWN, digest) else f"{before[:19]}… -> {digest[:19]}…"
