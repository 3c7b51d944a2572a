"""The options of `ggi audit` that write reports: which formats, where, about which controls, since which run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ggi.cli.output import note
from ggi.errors import InputError, Problem
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.audit.audit import Audit
    from ggi.cli.workspace import Workspace
    from ggi.controls.load import Controls

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
    list[str] | None, typer.Option("--control", metavar="ID", help="Only this control; can be repeated.")
]
AllStacks = Annotated[bool, typer.Option("--all", help="Every stack of the inventory.")]


def asked(workspace: Workspace, names: Sequence[str], everything: bool) -> list[str]:
    """The stacks that are meant. Raises InputError when none is, or both ways are used."""
    if everything and names:
        raise InputError(Problem(t("name stacks or say --all, not both")))
    if everything:
        return [environment.stack for environment in workspace.inventory.environments()]
    if not names:
        raise InputError(Problem(t("name a stack, or say --all"), t("`ggi list` shows them.")))
    return list(dict.fromkeys(names))


def only(audit: Audit, wanted: Sequence[str], *, drawn: bool = True) -> Audit:
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


def known(wanted: Sequence[str] | None, controls: Controls) -> list[str]:
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
