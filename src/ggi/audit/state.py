"""Reading the exported state of a stack, read-only, also of a stack that others deployed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from ggi.engine.target import Target
from ggi.errors import InputError, Problem, WorkError
from ggi.messages import t
from ggi.paths import ROOT


def read_export(path: Path) -> dict[str, Any]:
    """What somebody exported (`pulumi stack export --file`). Nothing is decrypted. Raises InputError."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        why = error.strerror or str(error)
        raise InputError(Problem(t("{file} can't be read: {why}", file=path, why=why), t("Check the name."))) from None
    except ValueError:
        found = None
    deployment = found.get("deployment") if isinstance(found, dict) else None
    if not isinstance(deployment, dict) or not isinstance(deployment.get("resources", []), list):
        fix = t("Make one with `pulumi stack export --file FILE`.")
        raise InputError(Problem(t("{file} is not an exported state of Pulumi", file=path), fix))
    return {"deployment": deployment}


def export_state(target: Target) -> dict[str, Any]:
    """What `pulumi stack export` says; secrets in it stay encrypted. Raises WorkError."""
    command = [str(target.cli), "stack", "export", "--stack", target.stack]
    done = subprocess.run(
        command, cwd=ROOT, env=target.environment(), capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        reason = next((line for line in done.stderr.splitlines() if line.strip()), "?").removeprefix("error: ")
        raise WorkError(
            Problem(
                t("the state of {stack} can't be read: {why}", stack=target.stack, why=reason),
                t("Bring the stack up first, or audit with `--from plan`."),
            )
        )
    result: dict[str, Any] = json.loads(done.stdout)
    return result
