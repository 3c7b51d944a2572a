"""controls: what the controls are, where they come from, and which norms they prove."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ggi.cli import completion
from ggi.cli.options import Json
from ggi.cli.output import paint, say, say_json, table
from ggi.cli.root import app, workspace_of
from ggi.errors import EXIT_FAILED, InputError, Problem
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.controls.control import Control

controls_app = typer.Typer(
    help="What the controls are, where they come from, and which norms they prove.", no_args_is_help=True
)
app.add_typer(controls_app, name="controls")


def _kind(control: Control) -> str:
    if "Host" in control.kinds:
        return t("server")
    return "CEL" if control.rule is not None else "check" if control.check is not None else t("recipe")


def _data(control: Control) -> dict[str, Any]:
    from ggi.controls.control import mandatory_environments

    found = control.file.model_dump(mode="json")
    found["waivable"] = control.waivable
    found["mandatory"] = list(mandatory_environments(control.file.severity))
    found["admission"] = control.rule is not None
    return found


@controls_app.command(name="list")
def list_controls(context: typer.Context, json_output: Json = False) -> None:
    """List every control.

    Example: ggi controls list
    """
    controls = workspace_of(context).controls_of()
    if json_output:
        say_json([_data(control) for control in controls])
        return
    rows = [
        (
            c.id,
            c.file.severity.value,
            t("no") if not c.waivable else t("yes"),
            _kind(c),
            c.file.title,
        )
        for c in controls
    ]
    table((t("control"), t("severity"), t("waivable"), t("kind"), t("what must hold")), rows, indent="  ")
    say(t("  {count} controls", count=len(controls)))


@controls_app.command()
def show(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(metavar="ID", autocompletion=completion.controls, help="The id of a control, such as POD-001."),
    ],
    json_output: Json = False,
) -> None:
    """Show one control: what must hold, why, on what ground, how to mend it, and the rule itself.

    Example: ggi controls show POD-001
    """
    from ggi.controls.control import mandatory_environments, refuses
    from ggi.inventory.validate import nearest

    controls = workspace_of(context).controls_of()
    wanted = name.upper()
    control = controls.by_id.get(wanted)
    if control is None:
        gone = controls.retired.get(wanted)
        if gone is not None:
            message = t("control {id} is retired since {date}: {reason}", id=wanted, date=gone.on, reason=gone.reason)
            raise InputError(Problem(message, t("See {id}.", id=gone.successor) if gone.successor else ""))
        raise InputError(Problem(t("there is no control {id}", id=name), nearest(wanted, controls.by_id)))
    if json_output:
        say_json(_data(control))
        return
    file = control.file
    say(paint(f"{control.id}  {file.title}", "bold"))
    say(f"  {file.why}")
    rows = [
        (t("severity"), file.severity.value),
        (
            t("refuses in") if refuses(control) else t("counts in"),
            ", ".join(mandatory_environments(file.severity)) or t("nowhere; it warns"),
        ),
        (t("waivable"), t("yes") if control.waivable else t("no: a government measure of the BIO2")),
        (t("since"), str(file.since)),
        (t("proof of"), ", ".join(p.value for p in file.proof)),
        (t("looks at"), ", ".join([*file.kinds, *file.facts] or sorted(control.kinds))),
        (t("how to mend"), str(file.remediation)),
    ]
    width = max(len(key) for key, _ in rows)
    for key, value in rows:
        say(f"  {key.ljust(width)}  {value}")
    for source in file.sources:
        say(f"  - {source}: {source.text}")
    if control.rule is not None:
        for label, text in [
            *file.variables.items(),
            ("when", file.when),
            ("cel", file.cel),
            ("evidence", file.evidence),
        ]:
            if text:
                say(f"  {label}:")
                for line in text.splitlines():
                    say(f"    {line}")
    say(f"  {control.origin}")


@controls_app.command()
def coverage(
    context: typer.Context,
    framework: Annotated[str | None, typer.Argument(metavar="FRAMEWORK", help="One framework, such as BIO2.")] = None,
    json_output: Json = False,
) -> None:
    """Show which norms the controls prove, and which not.

    Example: ggi controls coverage BIO2
    """
    from ggi.controls.coverage import Coverage, framework_names, load_frameworks
    from ggi.controls.coverage import coverage as matrix
    from ggi.report.audit.words import coverage_word

    workspace = workspace_of(context)
    frameworks = load_frameworks(workspace.catalogue.roots)
    rows = matrix(workspace.controls_of(), frameworks)
    if framework is not None:
        chosen = framework_names([framework], frameworks)
        rows = [row for row in rows if row.framework in chosen]
    if json_output:
        say_json(
            [
                {
                    "framework": r.framework,
                    "version": r.version,
                    "id": r.id,
                    "subject": str(r.subject),
                    "coverage": r.coverage.value,
                    "controls": list(r.controls),
                    "proof": [p.value for p in r.proof],
                }
                for r in rows
            ]
        )
        return
    shown = [
        (
            f"{r.framework} {r.version}",
            r.id,
            coverage_word(r.coverage),
            ", ".join(p.value for p in r.proof),
            " ".join(r.controls),
            r.subject,
        )
        for r in rows
    ]
    table((t("framework"), t("norm"), t("coverage"), t("proof"), t("controls"), t("subject")), shown, indent="  ")
    for name in dict.fromkeys(r.framework for r in rows):
        mine = [r.coverage for r in rows if r.framework == name]
        counts = ", ".join(f"{mine.count(how)} {coverage_word(how)}" for how in Coverage)
        say(f"  {name}: {counts}")
    say(t("  No norm is met by this alone: a person decides that, with this as part of the proof."))


@controls_app.command()
def schema(
    check: Annotated[bool, typer.Option("--check", help="Only tell whether the schemas are up to date.")] = False,
) -> None:
    """Write the JSON Schemas of controls, examples, waivers and frameworks for editors.

    Example: ggi controls schema --check
    """
    from ggi.controls.schema import policy_schemas
    from ggi.inventory.schema import stale, write_schemas
    from ggi.paths import ROOT

    folder = ROOT / "policies" / "schema"
    changed = stale(folder, policy_schemas()) if check else write_schemas(folder, policy_schemas())
    for path in changed:
        say(str(path.relative_to(ROOT)))
    if check and changed:
        raise typer.Exit(EXIT_FAILED)


@controls_app.command()
def admission(context: typer.Context) -> None:
    """Print the controls as ValidatingAdmissionPolicies with their bindings, for the stack of a cluster.

    Example: ggi controls admission > policies.yaml
    """
    import yaml

    from ggi.clock import today
    from ggi.enforcement.admission import manifests

    found = manifests(workspace_of(context).controls, today())
    say(yaml.safe_dump_all(found, sort_keys=False, allow_unicode=True, width=120).rstrip())
