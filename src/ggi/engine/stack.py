"""Working on one stack through Pulumi's Automation API: the same program and environment as plain `pulumi`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ggi.engine.secrets import ROOT_KEY_FILE, new_root_key
from ggi.engine.target import IDENTITY, Target
from ggi.errors import Problem, WorkError
from ggi.messages import t
from ggi.paths import ROOT

if TYPE_CHECKING:
    from pulumi import automation

Step = Callable[["Event"], None]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one resource. `op` is Pulumi's word: same, create, update, replace, delete, …"""

    name: str
    type: str
    op: str
    done: bool
    failed: bool = False
    changed: tuple[str, ...] = ()
    """Property paths that differ."""

    @property
    def component(self) -> str:
        """The component that the resource belongs to."""
        return self.name.split("/")[0]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did: number of resources per operation, the messages of the engine, seconds."""

    changes: Mapping[str, int]
    messages: tuple[str, ...]
    seconds: float
    steps: tuple[Event, ...]

    @property
    def changed(self) -> int:
        """How many resources were (or would be) made, changed or removed."""
        return sum(n for op, n in self.changes.items() if op not in ("same", "read", "refresh"))


class Stack:
    """A stack that exists. Make one with `open_stack`."""

    def __init__(self, target: Target, stack: automation.Stack) -> None:
        self.target = target
        self._stack = stack

    def preview(self, on_step: Step | None = None) -> Outcome:
        """What an update would do; nothing is changed."""
        return self._run("preview", on_step, diff=False)

    def up(self, on_step: Step | None = None) -> Outcome:
        """Make the cluster what the landscape says."""
        return self._run("up", on_step)

    def refresh(self, on_step: Step | None = None) -> Outcome:
        """Read what is really there into the state; nothing in the cluster is changed."""
        return self._run("refresh", on_step)

    def destroy(self, on_step: Step | None = None) -> Outcome:
        """Remove every object of the stack, and then the stack's record."""
        outcome = self._run("destroy", on_step)
        self._stack.workspace.remove_stack(self.target.stack)
        return outcome

    def outputs(self) -> dict[str, Any]:
        """What the last update exported: release, fingerprint, hosts."""
        return {key: value.value for key, value in self._stack.outputs().items()}

    def _run(self, verb: str, on_step: Step | None, **more: Any) -> Outcome:
        import time

        watcher = _Watcher(on_step)
        began = time.monotonic()
        try:
            getattr(self._stack, verb)(on_event=watcher, on_output=lambda _: None, color="never", **more)
        except Exception as error:
            raise WorkError(*watcher.problems(error, self.target)) from None
        return Outcome(watcher.changes, tuple(watcher.messages), time.monotonic() - began, tuple(watcher.steps))


class _Watcher:
    """Reads engine events."""

    def __init__(self, on_step: Step | None) -> None:
        self._on_step = on_step
        self.changes: dict[str, int] = {}
        self.messages: list[str] = []
        self.errors: list[str] = []
        self.steps: list[Event] = []

    def __call__(self, event: Any) -> None:
        if event.resource_pre_event is not None:
            self._step(event.resource_pre_event.metadata, done=False)
        elif event.res_outputs_event is not None:
            self._step(event.res_outputs_event.metadata, done=True)
        elif event.res_op_failed_event is not None:
            self._step(event.res_op_failed_event.metadata, done=True, failed=True)
        elif event.diagnostic_event is not None:
            found = event.diagnostic_event
            text = re.sub(r"<\{%[^%]*%\}>", "", found.message).strip()
            if found.severity == "error" and text:
                self.errors.append(_for_people(text, found.urn))
            elif found.severity == "warning" and text:
                self.messages.append(_for_people(text, found.urn))
        elif event.summary_event is not None:
            self.changes = {str(getattr(op, "value", op)): n for op, n in event.summary_event.resource_changes.items()}

    def _step(self, metadata: Any, *, done: bool, failed: bool = False) -> None:
        urn = metadata.urn
        kind = urn.split("::")[2].split("$")[-1]
        if not kind.startswith("kubernetes:"):
            return
        op = str(getattr(metadata.op, "value", metadata.op))
        changed = tuple(sorted(getattr(metadata, "detailed_diff", None) or {}))
        step = Event(urn.split("::")[3], kind, op, done, failed, changed)
        if done or op not in ("same",):
            self.steps.append(step)
        if self._on_step is not None:
            self._on_step(step)

    def problems(self, error: Exception, target: Target) -> list[Problem]:
        """What went wrong, for people. A lock, a wrong passphrase and an interruption have words of their own."""
        text = f"{error}"
        if "currently locked by" in text:
            holders = re.findall(r"created by (.+)", text)
            return [
                Problem(
                    t("another run works on {stack}: {holder}", stack=target.stack, holder="; ".join(holders) or "?"),
                    t(
                        "Wait for it. If it died, run `pulumi cancel -s {stack}` in the environment of `ggi env`.",
                        stack=target.stack,
                    ),
                )
            ]
        if "incorrect passphrase" in text or "passphrase must be set" in text:
            return [
                Problem(
                    t("the passphrase does not fit the stack {stack}", stack=target.stack),
                    t("Set PULUMI_CONFIG_PASSPHRASE_FILE to the file that this stack was made with."),
                )
            ]
        if "no space left on device" in text.lower():
            return [
                Problem(
                    t("the disk is full; the state of {stack} could not be written", stack=target.stack),
                    t("Free some space and run the same command again."),
                )
            ]
        found = list(dict.fromkeys(self.errors)) or [_last_error(text)]
        return [Problem(message) for message in found if "update failed" not in message] or [Problem(found[0])]


def _for_people(text: str, urn: str | None) -> str:
    """A message of the engine with the resource's name before it, and without Python's frames."""
    kept = []
    for line in text.splitlines():
        if line.startswith(("Traceback", "  File ", "    ")) and "Traceback" in text:
            continue
        kept.append(line)
    body = "\n".join(kept).strip()
    name = urn.split("::")[3] if urn and urn.count("::") >= 3 else ""
    return f"{name}: {body}" if name and "/" in name else body


def _last_error(text: str) -> str:
    lines = [line for line in text.splitlines() if "error:" in line]
    return lines[-1].split("error:", 1)[1].strip() if lines else text.strip().splitlines()[-1]


def open_stack(target: Target, identity: str | None) -> Stack:
    """The stack of `target`, made if it is new: with a root key of its own and the identity of its cluster."""
    from pulumi import automation

    variables = target.environment()
    os.environ.update({"PATH": variables["PATH"], "PULUMI_SKIP_UPDATE_CHECK": "true"})
    options = automation.LocalWorkspaceOptions(
        env_vars={k: v for k, v in variables.items() if os.environ.get(k) != v or k.startswith(("PULUMI", "GGI"))},
    )
    try:
        if target.config_file is not None and not target.config_file.exists():
            _create_apart(target, options)
        stack = automation.create_or_select_stack(stack_name=target.stack, work_dir=str(ROOT), opts=options)
        known = stack.get_all_config()
        wanted: dict[str, automation.ConfigValue] = {}
        if "ggi:rootKey" not in known and ROOT_KEY_FILE not in os.environ:
            wanted["ggi:rootKey"] = automation.ConfigValue(new_root_key(), secret=True)
        if identity and f"ggi:{IDENTITY}" not in known:
            wanted[f"ggi:{IDENTITY}"] = automation.ConfigValue(identity)
        if wanted:
            stack.set_all_config(wanted)
    except automation.errors.CommandError as error:
        raise WorkError(*_Watcher(None).problems(error, target)) from None
    return Stack(target, stack)


def _create_apart(target: Target, options: automation.LocalWorkspaceOptions) -> None:
    """Make a stack whose configuration is outside the checkout.

    `pulumi stack init` knows no --config-file and would leave a file with the encryption salt in the checkout; in a
    folder with a project file of the same name it leaves it there.
    """
    from pulumi import automation

    assert target.config_file is not None  # noqa: S101  (the caller's condition)
    folder = target.config_file.parent / "project"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Pulumi.yaml").write_text("name: ggi\nruntime: python\n", encoding="utf-8")
    automation.create_or_select_stack(stack_name=target.stack, work_dir=str(folder), opts=options)
