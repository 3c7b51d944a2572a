"""Reading the exported state of a stack, read-only, also of a stack that others deployed."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from ggi.engine.target import Target
from ggi.errors import Problem, WorkError
from ggi.messages import t
from ggi.paths import ROOT


def exported(target: Target) -> dict[str, Any]:
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
