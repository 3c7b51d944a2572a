"""The channel to PowerShell: a plan file for one fixed runner, and the result file that it writes.

Python never builds a line of PowerShell. The plan names cmdlets and parameters as data; the runner
(cookbook/runner/Invoke-CookbookPlan.ps1) checks them against its own allow-list and passes them by splatting.
The list is made here.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ggi.cookbook.channel import Failed, Written
from ggi.cookbook.content import Cookbook
from ggi.cookbook.plan import PlannedWrite
from ggi.cookbook.product import RUNNER, Resource
from ggi.cookbook.reading import EVERY, Reading, ReadResult, Reason, Ref, Unreadable
from ggi.errors import Problem, WorkError
from ggi.files import write_atomically
from ggi.messages import mark, t
from ggi.paths import ROOT

CONTRACT = 1
SCRIPT = Path("cookbook") / "runner" / "Invoke-CookbookPlan.ps1"
PATIENCE = 1800.0
"""Seconds that a run may take; connecting to four services and reading everything takes minutes."""
_KINDS = {
    "permission": Reason.PERMISSION,
    "delegated": Reason.DELEGATED,
    "licence": Reason.LICENCE,
    "absent": Reason.ABSENT,
}
_WHY = {
    "moved": mark("it was changed by somebody else since the plan was made"),
    "not stuck": mark("the service accepted the write, but it had no effect"),
    "not run": mark("it was not run, since a step before it failed"),
}


class NoRunnerError(WorkError):
    """There is no PowerShell here: what it would read is not readable, the rest is."""


class Runner(Protocol):
    """Whatever carries a plan file to PowerShell and brings the result file back."""

    async def run(self, plan: Mapping[str, Any]) -> Mapping[str, Any]:
        """The result of a plan. Raises WorkError."""


@dataclass
class ProcessRunner:
    """Runs the runner on this machine. `program` begins the command: pwsh, or a stand-in that is named so."""

    program: Sequence[str]
    script: Path
    environment: Mapping[str, str] | None = None

    async def run(self, plan: Mapping[str, Any]) -> Mapping[str, Any]:
        """Write the plan to a private folder, run, and read the result."""
        with tempfile.TemporaryDirectory(prefix="ggi-m365-") as folder:
            plan_path, result_path = Path(folder) / "plan.json", Path(folder) / "result.json"
            plan_path.write_text(json.dumps(plan), encoding="utf-8")
            command = [*self.program, "-NoProfile", "-NonInteractive", "-File", str(self.script)]
            command += ["-PlanPath", str(plan_path), "-ResultPath", str(result_path)]
            try:
                process = await asyncio.create_subprocess_exec(
                    *command,
                    env=dict(self.environment) if self.environment is not None else None,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.PIPE,
                )
            except FileNotFoundError:
                raise NoRunnerError(
                    Problem(
                        t("{program} is not on this machine", program=self.program[0]),
                        t("Install PowerShell 7, or run the plan elsewhere with --by-hand DIR."),
                    )
                ) from None
            try:
                _, told = await asyncio.wait_for(process.communicate(), PATIENCE)
            except BaseException:
                process.kill()
                await process.wait()
                raise
            if not result_path.is_file():
                last = (told.decode(errors="replace").strip().splitlines() or [f"exit {process.returncode}"])[-1]
                raise WorkError(Problem(t("the runner wrote no result: {why}", why=last)))
            return read_result(result_path.read_text(encoding="utf-8-sig"))


@dataclass
class HandRunner:
    """Plan file out, result file in: somebody else carries them, by hand or with the Ansible role m365_runner.

    The first time a plan is asked for, it is written to `folder`, and the command ends by saying so. When its result
    lies beside it, the same command goes on. A result is taken once per command line, and not when it is old.
    """

    folder: Path
    oldest: float = 4 * 3600.0
    """Seconds after which a result says nothing about now."""

    async def run(self, plan: Mapping[str, Any]) -> Mapping[str, Any]:
        """The result that lies there. Raises WorkError when it does not yet."""
        text = json.dumps(plan, indent=1, sort_keys=True) + "\n"
        name = f"{plan['mode']}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        plan_path, result_path = self.folder / f"{name}.plan.json", self.folder / f"{name}.result.json"
        if result_path.is_file() and time.time() - result_path.stat().st_mtime < self.oldest:
            found = read_result(result_path.read_text(encoding="utf-8-sig"))
            if plan["mode"] == "apply":
                # What was read before the writes is no longer so.
                for path in self.folder.glob("*.result.json"):
                    path.rename(path.with_suffix(".done"))
            return found
        write_atomically(plan_path, text)
        raise WorkError(
            Problem(
                t("this plan waits to be run: {file}", file=plan_path),
                t(
                    "Run it with {script}, put the result at {result}, and repeat this command.",
                    script=SCRIPT.name,
                    result=result_path,
                ),
            )
        )


def read_result(text: str) -> Mapping[str, Any]:
    """A result file. Raises WorkError when it is none of this contract."""
    try:
        found = json.loads(text)
        assert found["contract"] == CONTRACT  # noqa: S101
        assert isinstance(found["results"], list)  # noqa: S101
    except (ValueError, KeyError, TypeError, AssertionError):
        raise WorkError(
            Problem(t("this is no result of the runner"), t("Use the runner of the same release as the plan."))
        ) from None
    return dict(found)


@dataclass
class RunnerSteps:
    """Makes the steps of plan files; `identity` names the tenant for connecting."""

    book: Cookbook
    identity: Mapping[str, str] = field(default_factory=dict)

    def document(self, mode: str, steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """A whole plan."""
        return {"contract": CONTRACT, "mode": mode, "tenant": dict(self.identity), "steps": list(steps)}

    def read(self, number: int, ref: Ref) -> dict[str, Any]:
        """A step that reads."""
        product, resource = self.book.product(ref.resource), self.book.resource(ref.resource)
        key = resource.read_key or resource.key
        named = {**resource.fixed, **({key: ref.item} if key and key != "-" and ref.item != EVERY else {})}
        return {
            "id": str(number),
            "connection": product.connect,
            "object": str(ref),
            "get": {"cmdlet": resource.get, "parameters": named},
            "key": resource.named_by,
            "item": ref.item,
            "properties": list(resource.properties),
        }

    def write(self, number: int, change: PlannedWrite) -> dict[str, Any]:
        """A step that compares, writes and reads again."""
        resource = self.book.resource(change.ref.resource)
        cmdlet = resource.new if change.creates else resource.set
        key = resource.key if change.creates else resource.set_key or resource.key
        parameters: dict[str, Any] = {**resource.fixed, **({key: change.ref.item} if key else {})}
        parameters |= {(resource.properties[p].parameter or p): v for p, v in change.after.items()}
        return {
            **self.read(number, change.ref),
            "set": {"cmdlet": cmdlet, "parameters": parameters},
            "creates": change.creates,
            "before": {p: _as_read(v, resource, p) for p, v in change.before.items()},
            "after": {p: _as_read(v, resource, p) for p, v in change.after.items()},
        }


def _as_read(value: Any, resource: Resource, path: str) -> Any:
    """A value as the cmdlet prints it."""
    if resource.properties[path].read_as == "domains" and isinstance(value, list):
        return [f"Domain={v}" for v in value]
    return value


def _from_read(value: Any, resource: Resource, path: str) -> Any:
    prop = resource.properties[path]
    if prop.read_as == "domains" and isinstance(value, str):
        value = value.split(",")
    if prop.read_as == "domains" and isinstance(value, list):
        return [str(v).removeprefix("Domain=") for v in value]
    if prop.type == "integer" and isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    return value


class RunnerChannel:
    """Reads and writes through the runner."""

    def __init__(self, book: Cookbook, runner: Runner, identity: Mapping[str, str] | None = None) -> None:
        self._book = book
        self._runner = runner
        self.steps = RunnerSteps(book, identity or {})

    async def read(self, refs: Sequence[Ref]) -> dict[Ref, ReadResult]:
        """One run for everything."""
        asked = list(dict.fromkeys(refs))
        try:
            result = await self._runner.run(
                self.steps.document("read", [self.steps.read(n, ref) for n, ref in enumerate(asked)])
            )
        except NoRunnerError as error:
            return {ref: Unreadable(Reason.CHANNEL, error.problems[0].message) for ref in asked}
        by_id = {str(r["id"]): r for r in result["results"]}
        found: dict[Ref, ReadResult] = {}
        for number, ref in enumerate(asked):
            found.update(self.seen(ref, by_id.get(str(number))))
        return found

    def seen(self, ref: Ref, result: Mapping[str, Any] | None) -> dict[Ref, ReadResult]:
        """What one result says of one object, or of all of its kind."""
        if result is None:
            return {ref: Unreadable(Reason.FAILED)}
        if error := result.get("error"):
            reason = _KINDS.get(str(error.get("kind")), Reason.FAILED)
            return {ref: Unreadable(reason, str(error.get("message", "")))}
        if result["outcome"] == "not run":
            return {ref: Unreadable(Reason.FAILED, t(_WHY["not run"]))}
        resource = self._book.resource(ref.resource)
        found: dict[Ref, ReadResult] = {}
        for one in result.get("objects") or []:
            item = one["name"] if ref.item == EVERY else ref.item
            values = {p: _from_read(v, resource, p) for p, v in one["values"].items() if p in resource.properties}
            found[Ref(ref.resource, item)] = Reading(Ref(ref.resource, item), values)
        if ref not in found:
            found[ref] = Reading(ref, {} if ref.item == EVERY else None)
        return found

    async def write(self, changes: Sequence[PlannedWrite]) -> AsyncIterator[Written]:
        """One run for all; the runner itself stops at the first step that does not stick."""
        steps = [self.steps.write(n, change) for n, change in enumerate(changes)]
        result = await self._runner.run(self.steps.document("apply", steps))
        by_id = {str(r["id"]): r for r in result["results"]}
        for number, change in enumerate(changes):
            one = by_id.get(str(number))
            seen = self.seen(change.ref, one)[change.ref]
            if isinstance(seen, Unreadable):
                yield Written(change, Failed(str(seen)))
                return
            # The runner's own word is not enough: what it read afterwards must show the change.
            outcome = str((one or {}).get("outcome"))
            if outcome not in ("written", "unchanged") or not change.shows_in(seen):
                yield Written(change, Failed(t(_WHY.get(outcome, _WHY["not stuck"]))), seen)
                return
            yield Written(change, None, seen)


ALLOW_LIST = ROOT / "cookbook" / "runner" / "allowed.json"
"""Every cmdlet that a plan may name, and its parameters. Reviewed with the runner; a test says when it is not fresh."""


def allowed_cmdlets(book: Cookbook) -> dict[str, list[str]]:
    """Parameters by cmdlet, made from the products."""
    found: dict[str, set[str]] = {}
    for product in book.products.values():
        if product.channel != RUNNER:
            continue
        for resource in product.resources.values():
            writable = {p.parameter or name for name, p in resource.properties.items() if not p.create_only}
            created = {p.parameter or name for name, p in resource.properties.items()}
            key = {resource.key, *resource.fixed} - {""}
            set_key = {resource.set_key or resource.key, *resource.fixed} - {""}
            if resource.get:
                found.setdefault(resource.get, set()).update(
                    {resource.read_key or resource.key, *resource.fixed} - {"", "-"}
                )
            if resource.set:
                found.setdefault(resource.set, set()).update(set_key | writable)
            if resource.new:
                found.setdefault(resource.new, set()).update(key | created)
    return {cmdlet: sorted(names) for cmdlet, names in sorted(found.items())}


def allow_list(book: Cookbook) -> str:
    """The file as it should be: one line a cmdlet, for review."""
    lines = [f"  {json.dumps(cmdlet)}: {json.dumps(names)}" for cmdlet, names in allowed_cmdlets(book).items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"
