"""A stand-in for `pwsh` that knows one thing: the contract of the Cookbook's runner. It is not PowerShell.

Called as `pwsh -NoProfile -NonInteractive -File RUNNER -PlanPath PLAN -ResultPath RESULT`, it does with a plan file
what cookbook/runner/Invoke-CookbookPlan.ps1 says it does, over the state of the stand-in tenant at GGI_STAND_IN.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONTRACT = 1


class RefusedError(Exception):
    """A cmdlet reported an error."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.casefold()
    return sorted(map(_plain, value), key=repr) if isinstance(value, list) else value


def holds(objects: list[dict[str, Any]], values: Mapping[str, Any]) -> bool:
    """Whether the one object has these values."""
    if len(objects) != 1:
        return False
    seen = objects[0]["values"]
    return all(p in seen and _plain(seen[p]) == _plain(v) for p, v in values.items())


@dataclass(frozen=True)
class Shell:
    """What stands in for one PowerShell session: where the stand-in is, and the token of the tenant."""

    url: str
    token: str

    def post(self, body: bytes) -> tuple[int, Any]:
        """(status, answer) of the stand-in."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/cmdlet", data=body, headers=headers)  # noqa: S310  (loopback)
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as problem:
            return problem.code, json.load(problem)

    def _cmdlet(self, call: Mapping[str, Any]) -> list[Any]:
        """The objects that a cmdlet of the stand-in prints."""
        body = json.dumps({"cmdlet": call["cmdlet"], "parameters": call["parameters"]}).encode()
        status, told = self.post(body)
        if status != 200:
            raise RefusedError(told.get("kind", "failed"), told.get("message", str(status)))
        return list(told["objects"])

    def _read(self, step: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The objects that a step is about: name, and the values of the properties that it asks for."""
        found = []
        for one in self._cmdlet(step["get"]):
            name = str(one.get(step["key"], "")).removeprefix("Tag:") if step["key"] else ""
            if step["item"] in ("", "*") or name.casefold() == step["item"].casefold():
                found.append({"name": name, "values": {p: one[p] for p in step["properties"] if p in one}})
        return found

    def _run(self, step: Mapping[str, Any]) -> dict[str, Any]:
        """One step: read; and when it writes: compare, set, read again."""
        try:
            objects = self._read(step)
            if "set" not in step:
                return {"id": step["id"], "outcome": "read", "objects": objects}
            if holds(objects, step["after"]):
                return {"id": step["id"], "outcome": "unchanged", "objects": objects}
            if step["creates"] != (not objects) or (step["before"] and not holds(objects, step["before"])):
                return {"id": step["id"], "outcome": "moved", "objects": objects}
            self._cmdlet(step["set"])
            objects = self._read(step)
            outcome = "written" if holds(objects, step["after"]) else "not stuck"
            return {"id": step["id"], "outcome": outcome, "objects": objects}
        except RefusedError as problem:
            told = {"kind": problem.kind, "message": str(problem)}
            return {"id": step["id"], "outcome": "failed", "objects": [], "error": told}

    def execute(self, plan: Mapping[str, Any]) -> dict[str, Any]:
        """Run a plan; the result document. When it writes, it stops at the first step that does not stick."""
        results: list[dict[str, Any]] = []
        stopped = False
        for step in plan["steps"]:
            if stopped:
                results.append({"id": step["id"], "outcome": "not run", "objects": []})
                continue
            results.append(self._run(step))
            stopped = plan["mode"] == "apply" and results[-1]["outcome"] not in ("unchanged", "written")
        return {"contract": CONTRACT, "mode": plan["mode"], "runner": {"program": "stand-in"}, "results": results}


def main(arguments: list[str]) -> int:
    """Run a plan file; 0 when a result file was written."""
    named = dict(itertools.pairwise(arguments))
    plan = json.loads(Path(named["-PlanPath"]).read_text(encoding="utf-8"))
    if plan.get("contract") != CONTRACT:
        print(f"contract {plan.get('contract')} is not {CONTRACT}", file=sys.stderr)  # noqa: T201
        return 2
    shell = Shell(os.environ["GGI_STAND_IN"], os.environ["GGI_STAND_IN_TOKEN"])
    Path(named["-ResultPath"]).write_text(json.dumps(shell.execute(plan)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
