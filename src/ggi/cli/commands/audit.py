"""audit, audit verify: does a stack meet the baseline, and is the proof of that as it was signed?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ggi.cli import completion
from ggi.cli.options import BaselineFile, From, Json, OnDate, Sandbox, SignedBy, date_of
from ggi.cli.output import Progress, note, paint, say, say_json, table
from ggi.cli.root import app, platform_of, workspace_of
from ggi.cli.typer_words import MAIN, MainCommand, MainGroup
from ggi.errors import EXIT_FAILED, InputError, Origin, Problem
from ggi.inventory.stack import StackKind, kind_of
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.app.workspace import Workspace
    from ggi.audit.audit import Audit, Place
    from ggi.audit.baseline import Baseline
    from ggi.controls.load import Controls

FEW = 50
"""Stacks between two lines of progress."""

audit_app = typer.Typer(cls=MainGroup, help="Judge a landscape by the controls, and keep and check the proof.")
"""`ggi audit STACK...` judges; other commands of the group are named first, such as `ggi audit verify FILE`."""
app.add_typer(audit_app, name="audit")

FormatNames = Annotated[
    str | None,
    typer.Option(
        "--format", metavar="NAMES", help="Write reports: html, pdf, xlsx, junit, sarif, oscal, json, csv, md."
    ),
]
OutFolder = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Folder of the reports; default one named after the stack.")
]
SinceFile = Annotated[
    Path | None, typer.Option("--since", metavar="FILE", help="An earlier audit as JSON, to show what changed.")
]
ControlIds = Annotated[
    list[str] | None,
    typer.Option(
        "--control", metavar="ID", autocompletion=completion.controls, help="Only this control; can be repeated."
    ),
]
AllStacks = Annotated[bool, typer.Option("--all", help="Every stack of the inventory.")]
FreezeFile = Annotated[
    Path | None,
    typer.Option("--freeze", metavar="FILE", help="Write the first measurement; with --baseline, what is left of it."),
]
BundleFile = Annotated[
    Path | None,
    typer.Option("--bundle", metavar="FILE", help="Write the evidence: inputs, versions, results, hashes, signature."),
]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key", metavar="FILE", help="Ed25519 key that signs the evidence; default: your own, made once."),
]


def place_of(text: str) -> Place:
    """The place that `--from` names. Raises InputError."""
    from ggi.audit.audit import Place

    try:
        return Place(text)
    except ValueError:
        known = ", ".join(place.value for place in Place)
        raise InputError(
            Problem(t("an audit can't look at {place}", place=text), t("Known: {names}.", names=known))
        ) from None


@audit_app.command(name=MAIN, cls=MainCommand, hidden=True)
def audit(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="STACK...", autocompletion=completion.all_stacks, help="gm9901-prod, gm9901, or a name."
        ),
    ] = None,
    place: From = "plan",
    state: Annotated[
        Path | None,
        typer.Option("--state", metavar="FILE", help="With --from state: an exported state, also one made by others."),
    ] = None,
    sandbox: Sandbox = False,
    date: OnDate = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit code 1 also when something that can be seen here was not judged.")
    ] = False,
    json_output: Json = False,
    everything: AllStacks = False,
    formats: FormatNames = None,
    out: OutFolder = None,
    since: SinceFile = None,
    control: ControlIds = None,
    baseline: BaselineFile = None,
    freeze: FreezeFile = None,
    bundle: BundleFile = None,
    key: KeyFile = None,
) -> None:
    """Judge a landscape by the controls. Exit code 1 when something does not comply.

    With a baseline (nulmeting) only what is new, or deviates otherwise than then, counts for the exit code.
    Example: ggi audit gm9901 --from plan --format html,junit,sarif,oscal --out reports
    """
    from ggi.app.auditing import AuditRequest, audit_stack
    from ggi.audit.summary import audit_data, list_unjudged

    chosen, on, reports = place_of(place), date_of(date), Reports.of(formats, out, since)
    workspace, platform = workspace_of(context), platform_of(sandbox)
    stacks = asked_stacks(workspace, names or [], everything)
    if state is not None and (chosen.value != "state" or len(stacks) != 1):
        fix = t("Write `ggi audit STACK --from state --state FILE`.")
        raise InputError(Problem(t("a file of state goes with one stack and --from state"), fix))
    kinds = {kind_of(name) for name in stacks}
    reported = workspace.controls_of(*kinds)
    wanted = check_control_ids(control, reported)
    measure = FirstMeasurement.of(baseline, freeze)
    with Progress() as progress:
        if chosen.value == "plan" and len(stacks) > 1 and kinds == {StackKind.LANDSCAPE}:
            # What complies is told one by one in reports and in what programs read, and only there.
            full = json_output or bundle is not None or bool(reports.formats)
            audits = [restrict_to(one, wanted) for one in _planned(workspace, stacks, on, progress, full=full)]
        else:
            audits = [
                restrict_to(
                    audit_stack(AuditRequest(workspace, name, platform, chosen, on, state, note)),
                    wanted,
                    drawn=len(stacks) == 1,
                )
                for name in stacks
            ]
    audits = measure.applied(audits)
    if json_output:
        found: Any = measure.with_data(audit_data(audits), audits)
        say_json(found)
    else:
        for one in audits:
            _show(one, alone=len(audits) == 1)
            measure.show(one)
        if len(audits) > 1 and (left := list_unjudged(audits)):
            say(t("Not judged:"))
            table((t("control"), t("stacks"), t("why")), left, indent="  ")
    reports.write(workspace, audits, reported)
    measure.freeze(audits)
    if bundle is not None:
        write_bundle(bundle, key, audits, workspace, baseline)
    new = not measure.first and any(f.known_since is None for a in audits for f in a.failed)
    failed = new or any(a.problems for a in audits)
    if failed or (strict and any(a.open_questions for a in audits)):
        raise typer.Exit(EXIT_FAILED)


def _planned(
    workspace: Workspace, names: Sequence[str], date: dt.date, progress: Progress, *, full: bool
) -> Iterator[Audit]:
    """The audits of many stacks as they are planned, on all cores, and how far it is. Raises InputError."""
    from ggi.fleet.auditing import audit_all

    stacks = [workspace.stack(name) for name in names]
    for number, one in enumerate(audit_all(workspace, date, stacks, full=full), 1):
        if number % FEW == 0 or number == len(stacks):
            progress(t("{number} of {total} stacks judged", number=number, total=len(stacks)))
        yield one


@audit_app.command()
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An evidence bundle.")],
    key: SignedBy = None,
    json_output: Json = False,
) -> None:
    """Check an evidence bundle: is every byte as it was signed, and whose key signed it? Exit code 1 when not.

    Example: ggi audit verify evidence.zip --key ciso.pem
    """
    from ggi.assurance.bundle import verify as checked
    from ggi.assurance.signing import fingerprint, name_signer

    try:
        found = checked(file.read_bytes())
    except OSError as error:
        message = t("this file can't be read: {why}", why=error.strerror or error)
        raise InputError(Problem(message, t("Check the name and the rights."), Origin(str(file), 0))) from None
    shown = fingerprint(found.signer) if found.signer else ""
    owner, other = name_signer(found.signer, key) if found.signer else ("", key is not None)
    if json_output:
        faults = [{"file": f.file, "what": f.what} for f in found.faults]
        say_json({"files": found.files, "intact": not faults, "signer": shown, "named": not other, "faults": faults})
    else:
        for fault in found.faults:
            say(paint(f"  ! {fault}", "red"))
        if found.signer is not None:
            say(t("  signed with {fingerprint}: {whose}", fingerprint=shown, whose=owner))
        intact = t("{file}: {count} files, all as they were signed", file=file, count=found.files)
        broken = t("{file}: not as it was signed", file=file)
        say(paint(broken, "red") if found.faults else paint(intact, "yellow" if other else "green"))
    if found.faults or other:
        raise typer.Exit(EXIT_FAILED)


def _show(audit: Audit, *, alone: bool) -> None:
    """One audit as a table. Of many, what was not judged is told once, at the end."""
    from ggi.audit.summary import SHOWN, audit_rows, closing
    from ggi.controls.verdict import Outcome

    listed = audit_rows(audit, SHOWN if alone else [one for one in SHOWN if one is not Outcome.UNKNOWN])
    if listed:
        table((t("control"), t("outcome"), t("subject"), t("seen"), t("what to do")), listed, indent="  ")
    for problem in audit.problems:
        note(f"  ! {problem}")
    color = "red" if audit.counts[Outcome.FAIL] else "yellow" if audit.counts[Outcome.UNKNOWN] else "green"
    say(paint(closing(audit), color))
    if audit.simulated:
        if kind_of(audit.stack) is StackKind.M365:
            say(t("  This is a stand-in tenant on this machine; nothing of Microsoft 365 was contacted."))
        elif kind_of(audit.stack) is StackKind.NETWORK:
            say(t("  Looked at test hosts: real servers in containers on this machine."))
        else:
            say(t("  Looked at the sandbox: {not_real}.", not_real=t(audit.not_real)))


def asked_stacks(workspace: Workspace, names: Sequence[str], everything: bool) -> list[str]:
    """The stacks that are meant. Raises InputError when none is, or both ways are used."""
    if everything and names:
        raise InputError(Problem(t("name stacks or say --all, not both")))
    if everything:
        return [environment.stack for environment in workspace.inventory.environments()]
    if not names:
        raise InputError(Problem(t("name a stack, or say --all"), t("`ggi list` shows them.")))
    return list(dict.fromkeys(names))


def restrict_to(audit: Audit, wanted: Sequence[str], *, drawn: bool = True) -> Audit:
    """The audit as far as it is about the controls that were asked for; its landscape only where it is drawn."""
    if not drawn:
        # Hundreds of them do not fit in memory side by side.
        audit = replace(audit, landscape=None)
    if not wanted:
        return audit
    return replace(
        audit,
        controls={name: audit.controls[name] for name in wanted},
        findings=tuple(finding for finding in audit.findings if finding.control in wanted),
        passed={control: count for control, count in audit.passed.items() if control in wanted},
        # Whether a deviation explains anything is about all controls.
        problems=(),
    )


def check_control_ids(wanted: Sequence[str] | None, controls: Controls) -> list[str]:
    """Ids of controls as they are written. Raises InputError for one that there is not."""
    from ggi.inventory.validate import nearest

    ids = [name.upper() for name in wanted or ()]
    for name in ids:
        if name not in controls.by_id:
            raise InputError(Problem(t("there is no control {id}", id=name), nearest(name, controls.by_id)))
    return ids


@dataclass(frozen=True)
class Reports:
    """Which reports are asked for. Checked before anything is judged."""

    formats: Sequence[str]
    out: Path | None
    since: Path | None

    @classmethod
    def of(cls, formats: str | None, out: Path | None, since: Path | None) -> Reports:
        """From the options. Raises InputError."""
        if formats is None:
            if out is not None or since is not None:
                message = t("--out and --since are about reports")
                raise InputError(Problem(message, t("Say which with --format, such as `--format html`.")))
            return cls((), None, None)
        from ggi.report.audit.formats import chosen

        return cls(chosen(formats), out, since)

    def write(self, workspace: Workspace, audits: Sequence[Audit], controls: Controls) -> None:
        """Write them, and say where."""
        if not self.formats:
            return
        from ggi.controls.coverage import coverage, load_frameworks
        from ggi.report.audit.formats import write
        from ggi.report.audit.run import AuditRun
        from ggi.report.audit.since import load_earlier

        earlier = load_earlier(self.since) if self.since is not None else None
        rows = coverage(controls, load_frameworks(workspace.catalogue.roots))
        run = AuditRun(tuple(audits), tuple(rows), earlier)
        folder = self.out if self.out is not None else Path(f"audit-{run.name}-{run.date.isoformat()}")
        for path in write(run, self.formats, folder):
            note(t("  written: {path}", path=path))


@dataclass(frozen=True)
class FirstMeasurement:
    """What was asked for, with the baseline as read."""

    read: Path | None
    write: Path | None
    baseline: Baseline | None

    @classmethod
    def of(cls, read: Path | None, write: Path | None) -> FirstMeasurement:
        """Read the baseline, if there is one. Raises InputError."""
        from ggi.audit.baseline import load_baseline

        return cls(read, write, load_baseline(read) if read else None)

    def applied(self, audits: Sequence[Audit]) -> list[Audit]:
        """The audits, with the date of every failure that was known."""
        from ggi.audit.baseline import with_baseline

        return [with_baseline(audit, self.baseline) if self.baseline else audit for audit in audits]

    def with_data(self, found: list[dict[str, Any]], audits: Sequence[Audit]) -> list[dict[str, Any]]:
        """The audits as JSON, each with what became of the baseline."""
        from ggi.audit.baseline import baseline_data, compare_baseline

        if self.baseline is None:
            return found
        return [
            {**item, "baseline": baseline_data(compare_baseline(audit, self.baseline))}
            for item, audit in zip(found, audits, strict=True)
        ]

    def show(self, audit: Audit) -> None:
        """Print what became of the baseline."""
        from ggi.audit.baseline import compare_baseline, summary

        if self.baseline is not None:
            for line in summary(compare_baseline(audit, self.baseline), audit.place):
                say(line)

    @property
    def first(self) -> bool:
        """Whether this is the first measurement itself: then nothing is new."""
        return self.write is not None and self.read is None

    def freeze(self, audits: Sequence[Audit]) -> None:
        """Write the first measurement, or what is left of it. Raises InputError."""
        from ggi.audit.baseline import freeze, write_baseline

        if self.write is not None:
            write_baseline(self.write, freeze(audits, self.baseline), self.read)
            kept = sum(f.known_since is not None or self.baseline is None for a in audits for f in a.failed)
            note(t("{count} findings are frozen in {file}", count=kept, file=self.write))


def write_bundle(
    path: Path, key: Path | None, audits: Sequence[Audit], workspace: Workspace, baseline: Path | None = None
) -> None:
    """Write the evidence bundle of these audits, signed with `key` or the user's own. Raises InputError.

    `baseline` is the file that the audits were compared with.
    """
    from ggi.assurance.bundle import bundle, input_files
    from ggi.assurance.signing import fingerprint, own_key, own_key_file, private_key

    signer = private_key(key) if key else own_key()
    environments = [audit.landscape.environment for audit in audits if audit.landscape is not None]
    inputs = input_files(workspace.folder, workspace.catalogue.roots, environments)
    if baseline is not None:
        inputs["inputs/baseline.json"] = baseline.read_bytes()
    content = bundle(audits, inputs, signer)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    note(
        t(
            "evidence: {file}, signed with the key {fingerprint} ({place})",
            file=path,
            fingerprint=fingerprint(signer.public_key()),
            place=key or own_key_file(),
        )
    )
