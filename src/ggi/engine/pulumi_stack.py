"""Working on one stack: the same program, in the same environment, as plain `pulumi` in the shell of `ggi env`."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ggi.engine.engineprocess import Finished, call, watch
from ggi.engine.events import EngineResult, Event, Step, Watcher, holders, no_such_stack, problems
from ggi.engine.locks import locked
from ggi.engine.run_context import RunContext
from ggi.engine.secrets import ROOT_KEY_FILE, new_root_key
from ggi.engine.statefiles import has_pending, is_cut_off, restore, too_full
from ggi.engine.target import IDENTITY, POLICY_PACK, PROJECT, Target
from ggi.errors import Problem, WorkError
from ggi.files import write_atomically
from ggi.messages import t
from ggi.paths import ROOT, state_dir

__all__ = ["EngineResult", "Event", "PulumiStack", "open_stack"]

Report = Callable[[str], None]


class PulumiStack:
    """A stack. Make one with `open_stack`."""

    def __init__(self, target: Target, report: Report = lambda line: None) -> None:
        """`report` takes one line for a person."""
        self.target = target
        self._report = report
        self._environment = target.environment()

    def preview(self, on_step: Step | None = None) -> EngineResult:
        """What an update would do; nothing is changed."""
        return self._run(["preview"], Watcher(on_step))

    def preview_unjudged(self, on_step: Step, context: RunContext) -> EngineResult:
        """What an update would do as `context` says. No policy pack judges: for what was judged, or is let through."""
        before = self._environment
        told = {**before, **context.to_env()}
        self._environment = {name: value for name, value in told.items() if name != POLICY_PACK}
        try:
            return self.preview(on_step)
        finally:
            self._environment = before

    def up(self, on_step: Step | None = None, message: str = "", context: RunContext | None = None) -> EngineResult:
        """Make the cluster what the landscape says.

        The engine's history keeps `message`; program and policy pack are told `context` (default: the target's own).
        """
        if context is not None:
            self._environment = {**self._environment, **context.to_env()}
        outcome = self._run(["up", "--yes", "--skip-preview", f"--message={message}"], Watcher(on_step))
        known = tuple(message for message in outcome.messages if "pending operations" in message)
        if known or has_pending(self.target):
            # An engine that was killed left creations of which it did not hear the end. This update has made or adopted
            # each of them, so that nothing is left to find out.
            self._run(["refresh", "--yes", "--skip-preview", "--clear-pending-creates"], Watcher())
            outcome = replace(outcome, messages=tuple(m for m in outcome.messages if m not in known))
        return outcome

    def drift(self, on_step: Step | None = None) -> EngineResult:
        """How the cluster differs from the state; neither is changed."""
        return self._run(["refresh", "--preview-only"], Watcher(on_step, drift=True))

    def destroy(self, on_step: Step | None = None, message: str = "") -> EngineResult:
        """Remove every object of the stack, and then the stack's record. One that was never made is no error."""
        if not self.target.sandbox and self.size():
            # What holds data is protected on real clusters; whoever asks for this has been asked whether it may go.
            self._must("state", "unprotect", "--all", "--yes")
        outcome = self._run(["destroy", "--yes", "--skip-preview", f"--message={message}"], Watcher(on_step))
        self._must("stack", "rm", "--yes", "--preserve-config")
        return outcome

    def outputs(self) -> dict[str, Any]:
        """What the last update exported: release, fingerprint, hosts."""
        found: dict[str, Any] = json.loads(self._must("stack", "output", "--json"))
        return found

    def size(self) -> int:
        """How many Kubernetes objects the state holds; 0 when there is no such stack."""
        found = self._call("stack", "export")
        if found.code != 0:
            if no_such_stack(found.text):
                return 0
            raise WorkError(*problems(Watcher(), found.text, self.target))
        kept = json.loads(found.text).get("deployment", {}).get("resources", [])
        return sum(1 for item in kept if item["type"].startswith("kubernetes:"))

    def _command(self, *arguments: str) -> list[str]:
        return [str(self.target.cli), *arguments, f"--stack={self.target.stack}"]

    def _call(self, *arguments: str, given: str | None = None) -> Finished:
        return call(self._command(*arguments), self._environment, ROOT, given=given)

    def _must(self, *arguments: str, given: str | None = None) -> str:
        """What a short command wrote. Raises WorkError."""
        done = self._call(*arguments, given=given)
        if done.code != 0:
            raise WorkError(*problems(Watcher(), done.text, self.target))
        return done.text

    def _run(self, arguments: list[str], watcher: Watcher) -> EngineResult:
        began = time.monotonic()
        if problem := too_full(self.target):
            raise WorkError(problem)
        done = self._watched(arguments, watcher)
        for put_right in (self._restore, self._make, self._unlock):
            if done.code != 0 and put_right(done.text):
                done = self._watched(arguments, watcher)
        if done.interrupted:
            raise WorkError(
                Problem(
                    t("interrupted; what was done until then is recorded"),
                    t("Run the same command again: it goes on where this one stopped."),
                )
            )
        if done.code != 0:
            raise WorkError(*problems(watcher, done.text, self.target))
        return watcher.outcome(time.monotonic() - began)

    def _watched(self, arguments: list[str], watcher: Watcher) -> Finished:
        def stopping() -> None:
            self._report(t("Stopping: the engine ends what it is doing and writes its state. Ctrl-C again: at once."))

        return watch(self._command(*arguments), self._environment, ROOT, watcher, stopping)

    def _restore(self, text: str) -> bool:
        """Replace a state that was cut off; returns whether it was."""
        if not is_cut_off(text) or not (found := restore(self.target)):
            return False
        self._report(t("The state of {stack} was cut off; {copy} is used.", stack=self.target.stack, copy=found))
        return True

    def _make(self, text: str) -> bool:
        """Make the stack's record when there is none; returns whether it was made."""
        if not no_such_stack(text):
            return False
        self.create()
        return True

    def _unlock(self, text: str) -> bool:
        """Take away the lock of runs that died, in the sandbox; returns whether nobody holds it now.

        On real clusters a person does that: the state may be shared with machines of which nothing is known here.
        """
        found = holders(text)
        if not self.target.sandbox or not found or not all(holder.died for holder in found):
            return False
        self._report(
            t("An earlier run died and left its lock; it is taken away: {who}.", who="; ".join(map(str, found)))
        )
        self._must("cancel", "--yes")
        return True

    def create(self, identity: str | None = None) -> bool:
        """Make the stack's record, and its configuration file when there is none: with the `identity` of its cluster.

        Returns whether it was made; an existing stack is left alone.
        """
        # In a project of its own: `stack init` writes the salt of the passphrase beside the project, whatever
        # configuration file is named.
        with tempfile.TemporaryDirectory(prefix="ggi-init-") as folder:
            (Path(folder) / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n", encoding="utf-8")
            done = call(self._command("stack", "init", "--no-select"), self._environment, Path(folder))
            made = done.code == 0
            if not made and "already exists" not in done.text:
                raise WorkError(*problems(Watcher(), done.text, self.target))
            written = Path(folder) / f"Pulumi.{self.target.stack}.yaml"
            file = self.target.stack_file()
            if written.is_file() and not file.exists():
                text = written.read_text(encoding="utf-8")
                if identity:
                    text += f"config:\n  ggi:{IDENTITY}: {identity}\n"
                file.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(file, text, 0o644)
        return made

    def configure(self, identity: str | None, *, empty: bool = False) -> None:
        """Give the stack a root key of its own and the identity of its cluster, where it has none yet.

        Raises WorkError when the key is missing of a stack that has objects: a new one would change every secret.
        `empty` says that it has none.
        """
        known = self.target.configured()
        if "ggi:rootKey" not in known and ROOT_KEY_FILE not in self._environment:
            if not empty and self.size():
                raise WorkError(
                    Problem(
                        t(
                            "{file}: the stack {stack} has objects and no root key",
                            file=self.target.stack_file(),
                            stack=self.target.stack,
                        ),
                        t(
                            "Restore this file, or name a file with the key in {name}; a new key would change every "
                            "derived secret.",
                            name=ROOT_KEY_FILE,
                        ),
                    )
                )
            # By standard input: arguments can be read by every user of the machine.
            self._must("config", "set", "--secret", "ggi:rootKey", given=new_root_key())
        if identity and f"ggi:{IDENTITY}" not in known:
            self._must("config", "set", f"ggi:{IDENTITY}", identity)


def open_stack(
    target: Target, identity: str | None, report: Report = lambda line: None, *, check: bool = True
) -> PulumiStack:
    """The stack of `target`, configured when it is new; its record is made by the first run that needs it.

    With `check` raises WorkError when its cluster is another one than `identity`, before the engine reads anything: a
    refresh against the wrong cluster would take every object for deleted.
    """
    stack = PulumiStack(target, report)
    with locked(state_dir() / "locks" / f"{target.stack}.lock", target.stack, report):
        known = target.configured()
        complete = {"ggi:rootKey"} if ROOT_KEY_FILE not in target.environment() else set()
        if identity:
            complete.add(f"ggi:{IDENTITY}")
        if not complete <= known.keys():
            stack.configure(identity, empty=stack.create(identity))
            known = target.configured()
    recorded = known.get(f"ggi:{IDENTITY}")
    if check and identity and isinstance(recorded, str) and recorded != identity:
        from ggi.engine.guard import another_cluster

        raise WorkError(another_cluster(target.context, identity, recorded))
    return stack
