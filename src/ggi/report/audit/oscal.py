"""OSCAL assessment-results (NIST), as the assessor's programs read it.

An observation per finding, a finding per control, a risk per accepted or planned deviation. The target of a finding is
one of our controls, not a norm: which norms it bears on are properties, so that no reader takes a norm for met.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ggi.audit.audit import Audit
from ggi.controls.verdict import Finding
from ggi.messages import language, t
from ggi.report.audit.run import AuditRun, JudgedControl, StackReport, Status, identity
from ggi.report.audit.words import read_words, status_word

VERSION = "1.2.1"
"""Of OSCAL; the newest that compliance-trestle judges."""
NAMESPACE = "urn:ggi:oscal"
"""Of our own properties."""


def _line(text: str) -> str:
    """A value of a property: one line, not empty, no space around it."""
    return " ".join(text.split()) or "-"


def _property(name: str, value: object) -> dict[str, str]:
    return {"name": name, "ns": NAMESPACE, "value": _line(str(value))}


def _when(audit: Audit) -> str:
    return f"{audit.date.isoformat()}T00:00:00+00:00"


class _Result:
    """One stack's result; every UUID follows from what it names."""

    def __init__(self, stack: StackReport) -> None:
        self.stack, self.audit = stack, stack.audit
        self.root = ("oscal", self.audit.stack, self.audit.place.value, self.audit.date.isoformat())
        self.seen: dict[tuple[str, ...], int] = {}

    def uuid(self, *parts: str) -> str:
        """Of something in this result; things of one name are numbered."""
        number = self.seen[parts] = self.seen.get(parts, 0) + 1
        return identity(*self.root, *parts, str(number))

    def component(self, subject: str) -> str:
        """Of a component, or of the stack."""
        return identity(*self.root, "component", subject.split("/")[0])

    def observation(self, finding: Finding) -> dict[str, Any]:
        title = str(self.audit.controls[finding.control].file.title)
        found: dict[str, Any] = {
            "uuid": self.uuid("observation", finding.control, finding.subject),
            "title": _line(f"{finding.control} {finding.subject}"),
            "description": title,
            "props": [
                _property("control", finding.control),
                _property("subject", finding.subject),
                _property("outcome", finding.outcome.value),
            ],
            "methods": ["TEST"],
            "types": ["control-objective"],
            "subjects": [
                {"subject-uuid": self.component(finding.subject), "type": "component", "title": finding.subject}
            ],
            "collected": _when(self.audit),
        }
        if finding.evidence:
            found["relevant-evidence"] = [{"description": finding.evidence}]
        if finding.origin:
            found["props"].append(_property("origin", finding.origin))
        if finding.note:
            found["remarks"] = finding.note
        return found

    def risk(self, finding: Finding, observation: str) -> dict[str, Any]:
        """An accepted deviation, or one that is carried with a plan."""
        deviation = finding.waiver or finding.plan
        assert deviation is not None  # noqa: S101  (only these are asked for)
        end = finding.waiver.expires if finding.waiver else finding.plan.due if finding.plan else None
        done = finding.waiver.compensating if finding.waiver else finding.plan.plan if finding.plan else ""
        roles = [_property("owner", deviation.owner), _property("granted", deviation.granted)]
        roles += [_property("approver", finding.waiver.approver)] if finding.waiver else []
        uuid = self.uuid("risk", finding.control, finding.subject)
        return {
            "uuid": uuid,
            "title": _line(f"{finding.control} {finding.subject}"),
            "description": deviation.reason,
            "statement": str(self.audit.controls[finding.control].file.why),
            "props": roles,
            "status": "deviation-approved" if finding.waiver else "remediating",
            "mitigating-factors": [{"uuid": self.uuid("mitigation", uuid), "description": done}],
            "deadline": f"{end}T00:00:00+00:00",
            "related-observations": [{"observation-uuid": observation}],
        }

    def finding(self, one: JudgedControl, observations: list[str], risks: list[str]) -> dict[str, Any]:
        """One control. What was accepted or not judged is not satisfied, for another reason than failing."""
        file, state = one.control.file, one.status
        counts = {s: n for s, n in one.counts.items() if n}
        complies = state is Status.COMPLIES
        found: dict[str, Any] = {
            "uuid": self.uuid("finding", file.id),
            "title": _line(f"{file.id} {file.title}"),
            "description": str(file.title if complies else file.message),
            "props": [
                _property("status", state.value),
                _property("severity", file.severity.value),
                *([_property("proof", one.proof.value)] if one.proof else []),
                *(_property("norm", source) for source in file.sources),
            ],
            "target": {
                "type": "objective-id",
                "target-id": f"{file.id.lower()}_obj",
                "description": str(file.why),
                "status": {
                    "state": "satisfied" if complies else "not-satisfied",
                    "reason": "pass" if complies else "fail" if state.deviates else "other",
                    "remarks": ", ".join(f"{number} {status_word(s)}" for s, number in counts.items()),
                },
            },
            "related-observations": [{"observation-uuid": uuid} for uuid in observations],
        }
        if risks:
            found["related-risks"] = [{"risk-uuid": uuid} for uuid in risks]
        if state.deviates:
            found["remarks"] = str(file.remediation)
        return found

    def build(self) -> dict[str, Any]:
        """The result as OSCAL has it."""
        observations: list[dict[str, Any]] = []
        risks: list[dict[str, Any]] = []
        findings: list[dict[str, Any]] = []
        for one in self.stack.judged.values():
            mine = [self.observation(finding) for finding in one.findings]
            carried = [
                self.risk(finding, made["uuid"])
                for finding, made in zip(one.findings, mine, strict=True)
                if finding.waiver or finding.plan
            ]
            observations += mine
            risks += carried
            # OSCAL knows satisfied or not; what has no meaning here is neither, so it is observed and no finding.
            if one.status is not Status.NOT_APPLICABLE:
                findings.append(self.finding(one, [o["uuid"] for o in mine], [r["uuid"] for r in carried]))
        audit = self.audit
        names = sorted({finding.subject.split("/")[0] for finding in audit.findings})
        told: dict[str, Any] = {
            "uuid": identity(*self.root, "result"),
            "title": _line(f"{audit.tenant} ({audit.stack}), {audit.date.isoformat()}"),
            "description": read_words(audit),
            "start": _when(audit),
            "end": _when(audit),
            "props": [
                _property("stack", audit.stack),
                _property("release", audit.release),
                _property("from", audit.place.value),
                _property("proof", audit.proof.value),
                _property("simulated", str(audit.simulated).lower()),
                *(_property(f"count-{o.value.lower().replace('_', '-')}", n) for o, n in audit.counts.items()),
            ],
            "local-definitions": {"components": [self._component(name) for name in names]},
            "reviewed-controls": {
                "control-selections": [
                    {"include-controls": [{"control-id": name.lower()} for name in self.stack.judged]}
                ]
            },
            "observations": observations,
            "findings": findings,
            "remarks": t("No norm is met by this alone; a person decides that."),
        }
        if risks:
            told["risks"] = risks
        if not findings:
            del told["findings"]
        if not names:
            del told["local-definitions"]
        return told

    def _component(self, name: str) -> dict[str, Any]:
        return {
            "uuid": self.component(name),
            "type": "software",
            "title": name,
            "description": t("{name} of {stack}", name=name, stack=self.audit.stack),
            "status": {"state": "operational" if self.audit.place.value == "live" else "other"},
        }


def _results(run: AuditRun) -> Iterator[dict[str, Any]]:
    for stack in run.stacks:
        yield _Result(stack).build()


def oscal(run: AuditRun) -> bytes:
    """The document. There is no assessment plan; the back matter says what stands in for one."""
    whole = ("oscal", run.date.isoformat(), *(f"{a.stack} {a.place.value}" for a in run.audits))
    plan = identity(*whole, "plan")
    document = {
        "assessment-results": {
            "uuid": identity(*whole, "document"),
            "metadata": {
                "title": t("Audit against the shared baseline"),
                "last-modified": f"{run.date.isoformat()}T00:00:00+00:00",
                "version": run.date.isoformat(),
                "oscal-version": VERSION,
                "props": [_property("language", language())],
            },
            "import-ap": {"href": f"#{plan}"},
            "results": list(_results(run)),
            "back-matter": {
                "resources": [
                    {
                        "uuid": plan,
                        "title": t("The controls of this toolkit"),
                        "description": t(
                            "Every control in force on the day was judged; `ggi controls list` names them."
                        ),
                    }
                ]
            },
        }
    }
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
