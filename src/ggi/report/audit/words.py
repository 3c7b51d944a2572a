"""The words of a report: short, and the same in every format."""

from __future__ import annotations

import datetime as dt

from ggi.audit.audit import Audit, Place
from ggi.controls.control import Measure, Proof, Severity
from ggi.controls.coverage import Coverage
from ggi.controls.verdict import Finding, Outcome
from ggi.inventory.stack import StackKind, kind_of
from ggi.messages import language, t
from ggi.report.audit.run import AuditRun, StackReport, Status

SYMBOLS = {
    Status.REFUSED: "✕",
    Status.WARNED: "!",
    Status.PLANNED: "◷",
    Status.KNOWN: "•",
    Status.UNKNOWN: "?",
    Status.WAIVED: "≈",
    Status.COMPLIES: "✓",
    Status.NOT_APPLICABLE: "–",
}
"""Say the status without colour."""

MONTHS = {
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "en": "January February March April May June July August September October November December",
}


def status_word(one: Status) -> str:
    """The status in two or three words."""
    return {
        Status.REFUSED: t("does not comply"),
        Status.WARNED: t("does not comply (warning)"),
        Status.PLANNED: t("does not comply (planned)"),
        Status.KNOWN: t("does not comply (known)"),
        Status.UNKNOWN: t("not judged"),
        Status.WAIVED: t("accepted deviation"),
        Status.COMPLIES: t("complies"),
        Status.NOT_APPLICABLE: t("not applicable"),
    }[one]


def severity_word(one: Severity) -> str:
    """How bad it is."""
    return {
        Severity.CRITICAL: t("critical"),
        Severity.HIGH: t("high"),
        Severity.MEDIUM: t("medium"),
        Severity.LOW: t("low"),
    }[one]


def proof_word(one: Proof) -> str:
    """Opzet, bestaan, werking: the auditor's three kinds of proof."""
    return {
        Proof.DESIGN: t("design (opzet)"),
        Proof.EXISTENCE: t("existence (bestaan)"),
        Proof.OPERATION: t("operation (werking)"),
    }[one]


def coverage_word(one: Coverage) -> str:
    """How far the controls go for a norm."""
    return {
        Coverage.AUTOMATED: t("automated"),
        Coverage.PARTLY: t("partly"),
        Coverage.ORGANISATIONAL: t("organisational"),
        Coverage.NOT_COVERED: t("not covered"),
    }[one]


def measure_word(one: Measure) -> str:
    """What kind of obligation it is."""
    return {
        Measure.GOVERNMENT: t("government measure; can't be waived"),
        Measure.ISO: t("ISO control; can be waived with a reason, an owner and an end"),
    }[one]


def read_words(audit: Audit) -> str:
    """What was read, as a sentence."""
    live = {
        StackKind.M365: t("The settings of the Microsoft 365 tenant, read with rights that are listed."),
        StackKind.NETWORK: t("What is on the servers of the network, read without changing anything."),
    }
    kept = {StackKind.M365: t("What a signed snapshot of the tenant holds.")}
    return {
        Place.PLAN: t("What the inventory asks for, before anything runs."),
        Place.STATE: kept.get(kind_of(audit.stack)) or t("What the engine last wrote, from its own records."),
        Place.LIVE: live.get(kind_of(audit.stack)) or t("What is in the cluster, read with a role that can only read."),
    }[audit.place]


def simulated_words(audit: Audit) -> str:
    """What a sandbox proves: not what a real platform does."""
    return {
        StackKind.M365: t(
            "This is a stand-in tenant: nothing of Microsoft 365 was contacted. It proves nothing about a real tenant."
        ),
        StackKind.NETWORK: t(
            "These are test hosts: real servers in containers on one machine. They prove nothing about a real network."
        ),
    }.get(kind_of(audit.stack)) or t(
        "This is the sandbox: {not_real}. It proves nothing about a real cluster.", not_real=t(audit.not_real)
    )


def place_word(audit: Audit) -> str:
    """Where an audit looked."""
    kind = kind_of(audit.stack)
    live = {StackKind.M365: t("the tenant"), StackKind.NETWORK: t("the servers")}.get(kind) or t("the cluster")
    kept = t("a snapshot") if kind is StackKind.M365 else t("the state")
    return {Place.PLAN: t("the plan"), Place.STATE: kept, Place.LIVE: live}[audit.place]


def day(date: dt.date) -> str:
    """A date as people write it."""
    return f"{date.day} {MONTHS[language()].split()[date.month - 1]} {date.year}"


def number(count: int) -> str:
    """A number with its thousands apart."""
    return f"{count:,}".replace(",", "." if language() == "nl" else ",")


def command(audit: Audit, control: str = "") -> str:
    """What to type to look again."""
    words = ["./ggi", "audit", audit.stack, "--from", audit.place.value]
    words += ["--sandbox"] if audit.simulated else []
    return " ".join([*words, "--control", control] if control else words)


def ended_word(outcome: Outcome | None) -> str:
    """What became of a finding that no longer fails."""
    return {
        None: t("no longer there"),
        Outcome.PASS: t("mended"),
        Outcome.WAIVED: t("accepted deviation"),
        Outcome.UNKNOWN: t("not judged"),
        Outcome.NOT_APPLICABLE: t("not applicable"),
        Outcome.FAIL: t("does not comply"),
    }[outcome]


def reason(audit: Audit, finding: Finding) -> str:
    """Why something was not judged, or is as it is: the note, else what was seen."""
    return finding.note or audit.in_words(finding)


def answer(stack: StackReport) -> str:
    """The first thing that a reader must know. It never says that a norm is met."""
    failed = stack.deviates
    if not failed and stack.controls[Status.WAIVED]:
        return t("Nothing deviates beyond what was accepted.")
    if not failed:
        return t("Nothing was found that deviates.")
    if failed == 1:
        return t("One control is not complied with.")
    return t("{count} controls are not complied with.", count=failed)


def fleet_answer(run: AuditRun) -> str:
    """The same over many landscapes."""
    failing = sum(bool(stack.deviates) for stack in run.stacks)
    if failing:
        return t(
            "In {count} of {all} landscapes something deviates.", count=number(failing), all=number(len(run.stacks))
        )
    if any(stack.controls[Status.WAIVED] for stack in run.stacks):
        return t("No landscape deviates beyond what was accepted.")
    return t("In no landscape was anything found that deviates.")
