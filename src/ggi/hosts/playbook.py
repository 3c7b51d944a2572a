"""Ansible, run through ansible-runner: what happens on each host as it happens, and what came of it."""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ggi.hosts.build import group_name
from ggi.messages import t
from ggi.paths import ROOT

PLAYBOOK = ROOT / "roles" / "site.yml"
INVENTORY = ROOT / "inventories" / "hosts.py"


@dataclass(frozen=True)
class TaskChange:
    """What one task changed, or would change, on one host. `diff` is a unified diff, without secrets."""

    host: str
    role: str
    task: str
    diff: str = ""


@dataclass
class PlaybookRun:
    """What a run did. `failed` maps a host to the reason, `reached` counts finished tasks by host."""

    check: bool
    changes: list[TaskChange] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    hosts: set[str] = field(default_factory=set)
    notices: dict[str, str] = field(default_factory=dict)
    """What a role says of a host (`ansible.builtin.debug`) that is no failure."""
    problem: str = ""
    """Why nothing could be run at all."""

    @property
    def fine(self) -> bool:
        """Whether everything that was asked for was done."""
        return not self.failed and not self.problem

    def of(self, host: str) -> list[TaskChange]:
        """The changes of one host."""
        return [change for change in self.changes if change.host == host]


def _diff(found: Any) -> str:
    """What Ansible says of a change, as a unified diff."""
    entries = found if isinstance(found, list) else [found]
    lines: list[str] = []
    for entry in entries:
        if not isinstance(entry, Mapping):
            continue
        if entry.get("prepared"):
            lines.append(str(entry["prepared"]).rstrip())
            continue
        before, after = entry.get("before", ""), entry.get("after", "")
        if not isinstance(before, str) or not isinstance(after, str):
            changed = [f"{k}: {before.get(k)} -> {v}" for k, v in after.items() if before.get(k) != v and k != "path"]
            path = after.get("path", "")
            lines += [f"{path} {text}".strip() for text in changed]
            continue
        name = str(entry.get("after_header") or entry.get("before_header") or "")
        lines += [
            line.rstrip("\n")
            for line in difflib.unified_diff(before.splitlines(), after.splitlines(), name, name, "", "", 2, "")
        ]
    return "\n".join(lines)


def _reason(result: Mapping[str, Any]) -> str:
    told = [str(result.get(key, "")).strip() for key in ("msg", "stderr", "module_stderr")]
    loops = [str(item.get("msg", "")) for item in result.get("results", []) if item.get("failed")]
    return next((text for text in [*loops, *told] if text), t("no reason was given"))


class Listener:
    """Turns ansible-runner's events into a `Run`, and reports each host's progress."""

    def __init__(self, run: PlaybookRun, report: Callable[[str], None]) -> None:
        self._run, self._report = run, report
        self._said: list[str] = []

    def __call__(self, event: Mapping[str, Any]) -> bool:
        """Take one event; nothing of it is kept on disk."""
        data = event.get("event_data") or {}
        host, task = str(data.get("host") or ""), str(data.get("task") or "")
        result = data.get("res") or {}
        kind = event.get("event")
        if host:
            self._run.hosts.add(host)
        if kind == "runner_on_start":
            self._report(f"{host}: {data.get('role') or t('play')}: {task}")
        elif kind == "runner_on_ok" and result.get("changed"):
            self._changed(host, str(data.get("role") or ""), task, result)
        elif kind == "runner_on_ok" and str(data.get("task_action", "")).endswith("debug"):
            self._run.notices[host] = str(result.get("msg", ""))
        elif kind in ("runner_on_failed", "runner_on_unreachable") and not data.get("ignore_errors"):
            # The last one counts: after a failure that was taken back, it says so.
            self._run.failed[host] = f"{task}: {_reason(result)}" if task else _reason(result)
        elif kind in ("error", "verbose", "deprecated", "warning") or event.get("stdout"):
            self._said.append(str(event.get("stdout") or ""))
        return False

    def _changed(self, host: str, role: str, task: str, result: Mapping[str, Any]) -> None:
        items = [item for item in result.get("results", []) if item.get("changed")] or [result]
        text = "\n".join(part for part in (_diff(item.get("diff") or []) for item in items) if part)
        self._run.changes.append(TaskChange(host, role, task, text))

    @property
    def said(self) -> str:
        """The last words of Ansible, for when it never got to a host."""
        lines = [line for text in self._said for line in text.splitlines() if line.strip()]
        return "\n".join(lines[-8:])


def run_ansible(
    stacks: Sequence[str],
    *,
    inventory: Path,
    environment: Mapping[str, str] | None = None,
    check: bool = False,
    limit: str = "",
    tags: str = "",
    variables: Mapping[str, Any] | None = None,
    report: Callable[[str], None] = lambda _: None,
    playbook: Path = PLAYBOOK,
) -> PlaybookRun:
    """Run the playbook on the hosts of `stacks`; `check` changes nothing. `limit` is a pattern of Ansible's,
    `tags` are those of the playbook's roles.
    """
    from ansible_runner.interface import run as run_ansible

    run = PlaybookRun(check)
    listener = Listener(run, report)
    chosen = ":".join(group_name(stack) for stack in stacks)
    if limit:
        # A host may be named without its network: rad1.
        words = [word if word.startswith("net") else f"*{word}" for word in limit.split(",")]
        chosen = f"{chosen}:&{','.join(words)}"
    with tempfile.TemporaryDirectory(prefix="ggi-hosts-") as folder:
        done = run_ansible(
            private_data_dir=folder,
            playbook=str(playbook),
            inventory=str(INVENTORY),
            project_dir=str(ROOT),
            limit=chosen,
            cmdline="--diff --check" if check else "--diff",
            tags=tags,
            extravars=dict(variables or {}),
            envvars={
                **dict(environment or {}),
                "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                # ansible-runner takes any host key unless it is told otherwise.
                "ANSIBLE_HOST_KEY_CHECKING": os.environ.get("ANSIBLE_HOST_KEY_CHECKING", "True"),
                "GGI_INVENTORY": str(inventory),
                "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
            },
            event_handler=listener,
            quiet=True,
        )
    if done.rc != 0 and not run.failed:
        run.problem = listener.said or t("Ansible ended with {code}", code=done.rc)
    return run
