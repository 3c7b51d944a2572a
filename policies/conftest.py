"""The controls as pytest tests: `pytest policies --tenant gm9901 --from live` gives one per control and component.

For auditors who live in pytest: `-k`, `--junitxml` and xdist work as always. What deviates fails. What was not judged
or is not applicable is skipped with the reason; an accepted deviation is an expected failure that says who accepted.
The landscape is judged once, also with many workers. Without `--tenant` nothing here is a test.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

Row = dict[str, Any]
AUDITS = pytest.StashKey[list[Row]]()
WORKER = "ggi_audits"
"""Key under which a worker of xdist gets what was judged."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("ggi", "landscapes judged by the controls")
    group.addoption("--tenant", action="append", metavar="STACK", help="gm9901, gm9901-accp or a name; repeatable")
    group.addoption("--from", dest="ggi_from", default="plan", metavar="PLACE", help="plan, state or live")
    group.addoption("--date", dest="ggi_date", metavar="DATE", help="judge as on this date; default today")
    group.addoption("--sandbox", dest="ggi_sandbox", action="store_true", help="look at the sandbox on this machine")
    group.addoption("--inventory", dest="ggi_inventory", metavar="DIR", help="inventory folder; default the checkout's")
    group.addoption("--content", dest="ggi_content", action="append", metavar="DIR", help="further content root")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "control(id): a control of the shared baseline")
    if not hasattr(config.option, "tenant"):
        return  # Somebody else's run that came by here: this file was read too late to have options.
    given = getattr(config, "workerinput", {}).get(WORKER)
    if given is not None:
        config.stash[AUDITS] = given
    elif config.option.tenant:
        config.stash[AUDITS] = _judged(config.option)
    elif not config.option.help:
        raise pytest.UsageError("say which landscape is judged, such as: pytest policies --tenant gm9901 --from plan")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give each worker of xdist what was judged, so that all of them see the same."""
    node.workerinput[WORKER] = node.config.stash[AUDITS]


def pytest_report_header(config: pytest.Config) -> list[str]:
    return [audit["title"] for audit in config.stash.get(AUDITS, [])]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.name == "control.yaml" and AUDITS in parent.config.stash:
        return ControlFile.from_parent(parent, path=file_path)
    return None


def _judged(option: Any) -> list[Row]:
    """What the controls say of every landscape that was asked for, as plain data."""
    from ggi.app.auditing import AuditRequest, audit_stack
    from ggi.app.platform import Platform, RealPlatform
    from ggi.app.workspace import Workspace
    from ggi.audit.audit import Place
    from ggi.audit.summary import finding_data
    from ggi.clock import today
    from ggi.errors import GgiError
    from sandbox.platform import SandboxPlatform

    folder = option.ggi_inventory or os.environ.get("GGI_INVENTORY")
    workspace = Workspace(Path(folder) if folder else None, tuple(Path(path) for path in option.ggi_content or ()))
    platform: Platform = SandboxPlatform.chosen() if option.ggi_sandbox else RealPlatform()
    try:
        place = Place(option.ggi_from)
        date = dt.date.fromisoformat(option.ggi_date) if option.ggi_date else today()
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    try:
        audits = [audit_stack(AuditRequest(workspace, name, platform, place, date)) for name in option.tenant]
    except GgiError as error:
        raise pytest.UsageError(str(error)) from None
    return [
        {
            "stack": audit.stack,
            "title": f"ggi: {audit.tenant} ({audit.stack}), release {audit.release}, from {audit.place.value} on "
            f"{audit.date}, proof of {audit.proof.value}" + (" (sandbox: simulated)" if audit.simulated else ""),
            "findings": [finding_data(audit, finding) for finding in audit.findings],
        }
        for audit in audits
    ]


class DeviationError(Exception):
    """A control that is not complied with."""


class ControlFile(pytest.File):
    """One control: a test per landscape and component that it is about."""

    def collect(self) -> Iterator[pytest.Item]:
        control = self.path.parent.name
        for audit in self.config.stash[AUDITS]:
            groups: dict[str, list[Row]] = {}
            for finding in audit["findings"]:
                if finding["control"] == control:
                    groups.setdefault(str(finding["subject"]).split("/")[0], []).append(finding)
            for group, findings in sorted(groups.items()):
                name = audit["stack"] if group == audit["stack"] else f"{audit['stack']}/{group}"
                yield ControlItem.from_parent(self, name=f"{control}[{name}]", findings=findings)


class ControlItem(pytest.Item):
    """What one control says of one component of one landscape."""

    def __init__(self, *, findings: list[Row], **more: Any) -> None:
        super().__init__(**more)
        self.findings = findings
        self.add_marker(pytest.mark.control(findings[0]["control"]))
        self.user_properties += [
            ("control", findings[0]["control"]),
            ("severity", findings[0]["severity"]),
            ("subjects", str(len(findings))),
        ]

    def _of(self, outcome: str) -> list[Row]:
        return [finding for finding in self.findings if finding["outcome"] == outcome]

    def runtest(self) -> None:
        if failed := self._of("FAIL"):
            raise DeviationError(_told(failed, "remediation"))
        if waived := self._of("WAIVED"):
            pytest.xfail(_told(waived, "waiver"))
        if unknown := self._of("UNKNOWN"):
            pytest.skip(f"not judged: {_told(unknown, 'note')}")
        if not self._of("PASS"):
            pytest.skip(f"not applicable: {_told(self.findings, 'note')}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, DeviationError):
            title, place = self.findings[0]["title"], self.path.parent.name
            return f"{place}: {title}\n{excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.name


def _told(findings: Iterable[Row], more: str) -> str:
    """One line per finding: what it is about, what was seen, where it comes from, and what `more` says of it."""
    lines = []
    for finding in findings:
        words = [f"{finding['subject']}: {finding['evidence']}".rstrip(": ")]
        waiver = finding.get("waiver")
        if more == "waiver" and waiver:
            words.append(f"accepted by {waiver['approver']} until {waiver['expires']}, owned by {waiver['owner']}")
        words += [str(finding[key]) for key in ("note", "origin") if finding[key]]
        if more == "remediation":
            words.append(finding["remediation"])
        lines.append("; ".join(words))
    return "\n".join(lines)
