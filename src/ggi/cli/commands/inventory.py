"""list, validate, explain, new, inputs, schema: the files that people write."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ggi.cli.commands.landscape import plan_data, show_plan
from ggi.cli.options import Json, MaybeName, Name, OnDate, date_of
from ggi.cli.output import note, paint, say, say_json, table
from ggi.cli.root import app, workspace_of
from ggi.errors import EXIT_FAILED, EXIT_INPUT, GgiError, InputError, Problem, raise_if
from ggi.inventory.stack import StackKind
from ggi.inventory.types import environment_name, release_order
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.app.listing import ListedStack
    from ggi.app.workspace import Workspace
    from ggi.inventory.explain import Explanation
    from ggi.inventory.waivers import Lock
    from ggi.landscape.build import Landscape


def _problem(problem: Problem) -> dict[str, Any]:
    origin = problem.origin
    place = {"file": origin.file, "line": origin.line, "layer": origin.layer} if origin else {}
    return {"message": problem.message, "fix": problem.fix, **place}


@app.command(name="list")
def list_all(
    context: typer.Context,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", help="landscape, cluster, network or m365.")
    ] = None,
    region: Annotated[str | None, typer.Option("--region", help="Only of this region.")] = None,
    ring: Annotated[int | None, typer.Option("--ring", help="Only of this ring.")] = None,
    environment: Annotated[
        str | None, typer.Option("--environment", metavar="OTAP", help="Only ontw, test, accp or prod.")
    ] = None,
    json_output: Json = False,
) -> None:
    """List every stack of the inventory: landscapes, clusters, networks and Microsoft 365 tenants.

    Example: ggi list --kind landscape --environment prod
    """
    from ggi.app.listing import list_stacks

    workspace = workspace_of(context)
    wanted = {
        "kind": _kind(kind) if kind else None,
        "region": region,
        "ring": ring,
        "environment": _environment(environment) if environment else None,
    }
    if region:
        workspace.inventory.region(region)
    problems: list[Problem] = []
    found = [
        stack
        for stack in list_stacks(workspace, problems)
        if all(value is None or getattr(stack, name) == value for name, value in wanted.items())
    ]
    if json_output:
        say_json([asdict(stack) for stack in found])
        raise_if(problems)
        return
    for which in StackKind:
        if rows := [stack for stack in found if stack.kind is which]:
            say(paint(which, "bold"))
            _show_stacks(rows)
    say(t("{count} stacks", count=len(found)))
    raise_if(problems)


def _show_stacks(stacks: Sequence[ListedStack]) -> None:
    """A table of stacks of one kind; what a kind does not have is no column."""
    columns = {
        t("stack"): [s.stack for s in stacks],
        t("name"): [s.title for s in stacks],
        "OTAP": [s.environment for s in stacks],
        t("region"): [s.region for s in stacks],
        t("ring"): ["" if s.ring is None else str(s.ring) for s in stacks],
        t("cluster"): [s.cluster for s in stacks],
        t("release"): [s.release for s in stacks],
    }
    shown = {header: cells for header, cells in columns.items() if any(cells)}
    table(list(shown), list(zip(*shown.values(), strict=True)), indent="  ")


def _kind(text: str) -> StackKind:
    try:
        return StackKind(text.strip().lower())
    except ValueError:
        names = ", ".join(StackKind)
        raise InputError(Problem(t("there is no kind {name}", name=text), t("Known: {names}.", names=names))) from None


def _environment(text: str) -> str:
    try:
        return environment_name(text.strip().lower())
    except ValueError as error:
        raise InputError(Problem(f"--environment: {error}")) from None


@app.command()
def validate(context: typer.Context, name: MaybeName = None, on: OnDate = None, json_output: Json = False) -> None:
    """Check every file of the inventory, all landscapes, and what they must agree on. Exit code 2 on errors.

    Example: ggi validate --date 2027-01-01
    """
    from ggi.fleet.validation import validate_inventory

    workspace = workspace_of(context)
    only = workspace.inventory.find(name)[0].id if name else None
    found = validate_inventory(workspace.inventory, workspace.catalogue, date_of(on), only)
    if json_output:
        say_json(
            {
                "tenants": found.tenants,
                "stacks": found.stacks,
                "errors": [_problem(p) for p in found.errors],
                "warnings": [_problem(p) for p in found.warnings],
            }
        )
        raise typer.Exit(EXIT_INPUT if found.errors else 0)
    for problem in found.warnings:
        where = f"{problem.origin}: " if problem.origin else ""
        note(f"{where}{paint(t('warning'), 'yellow')}: {problem.message}")
        if problem.fix:
            note(f"    {problem.fix}")
    say(
        t(
            "{tenants} tenants, {stacks} stacks, {objects} objects: {errors} errors, {warnings} warnings",
            tenants=found.tenants,
            stacks=len(found.stacks),
            objects=sum(found.stacks.values()),
            errors=len(found.errors),
            warnings=len(found.warnings),
        )
    )
    if found.errors:
        raise InputError(*found.errors)


@app.command()
def explain(
    context: typer.Context, name: Name, key: Annotated[str, typer.Argument(metavar="KEY")], json_output: Json = False
) -> None:
    """Tell why a value is what it is: file, line and layer, and what it overrides.

    Example: ggi explain gm9901 components.openformulieren.replicas
    """
    from ggi.inventory.explain import explain as reason
    from ggi.landscape.derived import deriver

    workspace = workspace_of(context)
    environment = workspace.environment(name)
    found = reason(environment, key, workspace.catalogue.known, deriver(workspace.catalogue))
    if json_output:
        say_json(_explained(environment.stack, found))
    else:
        _show(environment.stack, found)


def _explained(stack: str, found: Explanation) -> dict[str, Any]:
    return {
        "stack": stack,
        "key": found.key,
        "value": found.value,
        "description": found.description,
        "derived": found.derived,
        "otherwise": found.otherwise,
        "said": [
            {
                "layer": s.origin.layer,
                "file": s.origin.file,
                "line": s.origin.line,
                "value": s.value,
                "how": s.how,
                "locked": s.locked,
                "waiver": s.waiver.model_dump(mode="json") if s.waiver else None,
            }
            for s in found.said
        ],
        "parts": [
            {
                "key": p.key,
                "value": p.value,
                **({"layer": p.origin.layer, "file": p.origin.file, "line": p.origin.line} if p.origin else {}),
            }
            for p in found.parts
        ],
    }


def _text(value: Any) -> str:
    """A value as it is written in a file."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def waived(lock: Lock) -> str:
    """A waiver that opens a lock, as one line."""
    return t(
        "accepted by {approver} until {date}, owned by {owner}: {reason}",
        approver=lock.approver,
        date=lock.expires,
        owner=lock.owner,
        reason=lock.reason,
    )


def _show(stack: str, found: Explanation) -> None:
    from ggi.inventory.merge import layer_title

    say(paint(f"{found.key} = {_text(found.value)}", "bold") + f"  ({stack})")
    if found.description:
        say(paint(f"  {t(found.description)}", "dim"))
    if found.derived:
        say(f"  {t('nobody says it; it follows')}: {found.derived}")
    elif not found.said:
        say(f"  {t('nobody says it; this is the default')}")
    rows = []
    for number, said in enumerate(found.said):
        verb = t("said by") if number == 0 else t("overrides")
        if said.how == "append":
            verb = t("appended by")
        elif number and found.said[number - 1].how == "append":
            verb = t("to the list of")
        value = _text(said.value) + (f" ({t('locked')})" if said.locked else "")
        rows.append((verb, layer_title(said.origin.layer), str(said.origin), value))
    if rows:
        table(("", t("layer"), t("place"), t("value")), rows, "  ")
    for said in found.said:
        if said.waiver is not None:
            say("  " + waived(said.waiver))
    if found.said and not found.derived and found.otherwise is not None:
        say(f"  {t('if nobody said it')}: {_text(found.otherwise)}")
    if found.parts:
        parts = [
            (p.key, _text(p.value), f"{p.origin} ({layer_title(p.origin.layer)})" if p.origin else t("default"))
            for p in found.parts
        ]
        table((t("key"), t("value"), t("place")), parts, "  ")


@app.command()
def new(
    context: typer.Context,
    code: Annotated[str, typer.Argument(metavar="CODE", help="GM0202, the name of a gemeente, or sv-<name>.")],
    region: Annotated[str | None, typer.Option("--region", help="Its region; needed when there are several.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of what the registry does not have.")] = None,
    inhabitants: Annotated[int | None, typer.Option("--inhabitants", min=1, help="Size of the same.")] = None,
    json_output: Json = False,
) -> None:
    """Write a short, valid, commented file for a new tenant, and show its plan.

    Example: ggi new GM0202 --region midden
    """
    from ggi.clock import today
    from ggi.inventory.new import draft, newcomer, write_new
    from ggi.inventory.tree import parse
    from ggi.landscape.build import landscape

    workspace = workspace_of(context)
    inventory = workspace.inventory
    if code.strip().lower() in inventory.tenant_ids():
        raise _exists(f"{workspace.folder.name}/tenants/{code.strip().lower()}.yaml")
    who = newcomer(code, inventory.registry, today(), name, inhabitants)
    path = workspace.folder / "tenants" / f"{who.id}.yaml"
    if path.exists() or path.is_symlink():
        raise _exists(inventory.shown(path))
    if not workspace.catalogue.releases:
        raise InputError(Problem(t("there is no release"), t("Add one to stacks/releases/.")))
    text = draft(
        who,
        _region(workspace, region),
        max(workspace.catalogue.releases, key=release_order),
        _domains(workspace),
    )
    # Everything is computed before anything is written, so that no bad file comes into being.
    tenant = inventory.tenant_from(parse(text, inventory.shown(path), "tenant"), who.id)
    built = landscape(inventory.environment(tenant, "prod"), workspace.catalogue)
    write_new(path, text)
    if json_output:
        say_json({"file": str(path), "plan": plan_data(built)})
        return
    say(t("Wrote {path}:", path=inventory.shown(path)))
    say("".join(f"  | {line}\n" for line in text.splitlines()))
    show_plan(built)


def _exists(name: str) -> InputError:
    return InputError(Problem(t("{path} exists already", path=name), t("Edit it.")))


def _region(workspace: Workspace, asked: str | None) -> str:
    names = workspace.inventory.region_ids()
    if asked:
        workspace.inventory.region(asked)
        return asked
    if len(names) == 1:
        return names[0]
    fix = t("Add --region with one of: {names}.", names=", ".join(names)) if names else t("Add a file to regions/.")
    raise InputError(Problem(t("which region?") if names else t("this inventory has no region"), fix))


def _domains(workspace: Workspace) -> set[str]:
    """The domains that are in use; a tenant that can't be read has none."""
    result = set()
    for tenant_id in workspace.inventory.tenant_ids():
        try:
            tenant = workspace.inventory.tenant(tenant_id)
        except GgiError:
            continue
        blocks = tenant.file.environments.values()
        result |= {domain for domain in (tenant.file.domain, *(b.domain for b in blocks)) if domain}
    return result


@app.command()
def inputs(context: typer.Context, name: MaybeName = None, json_output: Json = False) -> None:
    """List what others must supply: what, which role, by when, and how it is checked; and what they supplied.

    Example: ggi inputs gm9901-prod
    """
    from ggi.landscape.build import landscape

    workspace = workspace_of(context)
    if name:
        found = [workspace.landscape(name)]
    else:
        found = [landscape(environment, workspace.catalogue) for environment in workspace.inventory.environments()]
    rows = [row for built in found for row in _inputs(built)]
    if json_output:
        say_json(rows)
        return
    if not rows:
        say(t("Nothing is asked of others."))
    for stack, group in itertools.groupby(rows, key=lambda row: str(row["stack"])):
        say(paint(stack, "bold"))
        for row in group:
            say(f"  {row['id']}: {t(row['role'])}, {_due(row)}")
            say(f"      {t(row['what'])}")
            if not row["supplied"]:
                say(f"      {t('check')}: {t(row['check'])}")
    if missing := sum(not row["supplied"] for row in rows):
        say(
            t(
                "{open} of {all} are open. What was supplied is recorded in the tenant's file:",
                open=missing,
                all=len(rows),
            )
        )
        say("  inputs: {ID: {on: YYYY-MM-DD}}")


def _due(row: dict[str, Any]) -> str:
    if row["supplied"]:
        return paint(t("supplied: {how}", how=row["supplied"]), "green")
    if row["by"]:
        return paint(t("open, before {date}", date=row["by"]), "yellow")
    return paint(t("open, {days} days before go-live", days=row["days"]), "yellow")


def _inputs(built: Landscape) -> list[dict[str, Any]]:
    environment = built.environment
    settings = environment.settings
    still_open = {(i.component, i.input.id) for i in built.open_inputs}
    rows = []
    for name, item in built.components.items():
        for asked in item.inputs:
            ident = f"{name}.{asked.id}"
            supplied = settings.inputs.get(ident)
            rows.append(
                {
                    "stack": built.stack,
                    "id": ident,
                    "what": asked.title,
                    "role": asked.role,
                    "days": asked.days,
                    "by": settings.live - dt.timedelta(days=asked.days) if settings.live else None,
                    "check": asked.check,
                    "blocks": asked.blocks,
                    "secret": asked.secret,
                    "supplied": (
                        None if (name, asked.id) in still_open else supplied.on if supplied else t("in the inventory")
                    ),
                }
            )
    return rows


@app.command()
def schema(
    context: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit code 1 when one is stale.")] = False,
) -> None:
    """Write the JSON Schemas that editors use, from the models and from every component's own settings.

    Example: ggi schema --check
    """
    from pydantic import BaseModel

    from ggi.catalogue.content import RepositoriesFile, ServiceFile
    from ggi.catalogue.contract import ContractFile, ProgramFacts
    from ggi.catalogue.needs import NeedsFile
    from ggi.catalogue.release import ReleaseFile
    from ggi.inventory.schema import schemas, stale, write_schemas

    workspace = workspace_of(context)
    folder: Path = workspace.folder / "schema"
    files: dict[str, type[BaseModel]] = {
        "release": ReleaseFile,
        "service": ServiceFile,
        "contract": ContractFile,
        "facts": ProgramFacts,
        "needs": NeedsFile,
        "repositories": RepositoriesFile,
    }
    made = schemas(workspace.catalogue.known.components, files)
    changed = stale(folder, made) if check else write_schemas(folder, made)
    for path in changed:
        say(f"  {'!' if check else '~'} {folder.name}/{path.name}")
    if check and changed:
        say(t("These are stale. Run: ggi schema"))
        raise typer.Exit(EXIT_FAILED)
    say(t("{count} schemas are up to date.", count=len(made)))
