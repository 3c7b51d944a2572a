"""test and bench: run what this machine can run."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Annotated

import typer

from ggi.cli.app import app
from ggi.cli.output import note
from ggi.errors import InputError, Problem
from ggi.messages import t
from ggi.paths import ROOT

TIERS = {
    "unit": "functions and their properties; anywhere, under a minute",
    "integration": "whole commands, reports and drawings on the examples; anywhere",
    "meta": "the repository itself",
    "landscape": "all 342 gemeenten rendered and validated",
    "docs": "the code blocks of the pages",
    "hosts": "govroam on Debian containers: real log-ins, drift, failover (root and podman)",
    "browser": "the pages of reports in headless Chromium, with axe",
    "real": "real Keycloak, PostgreSQL, Redis and configuration steps",
    "engine": "the real Pulumi CLI against the real API server of the sandbox",
}
"""The folders of tests/, which are pytest's marks as well, and what each holds."""
ASKED_FOR = frozenset({"hosts"})
"""Tiers that run only when they are named: this one makes containers as root, and takes about ten minutes."""


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(
    context: typer.Context,
    tier: Annotated[str | None, typer.Argument(help=f"One of {', '.join(TIERS)}; default: all but hosts.")] = None,
) -> None:
    """Run the tests that this machine can run. Further options go to pytest.

    Example: ggi test unit -k merge
    """
    if tier is not None and tier not in TIERS and not tier.startswith("-"):
        raise InputError(
            Problem(t("there is no test tier {name}", name=tier), t("Known: {names}.", names=", ".join(TIERS)))
        )
    more = list(context.args)
    if tier is not None and tier.startswith("-"):
        more, tier = [tier, *more], None
    tiers = [tier] if tier else [name for name in TIERS if name not in ASKED_FOR]
    folders = [str(ROOT / "tests" / name) for name in tiers if (ROOT / "tests" / name).is_dir()]
    # A process per core and one more, since tests of servers wait a lot; which stay together, and in which order, is
    # said in tests/conftest.py.
    workers = str((os.cpu_count() or 1) + 1)
    spread = ["-n", workers, "--dist", "loadgroup", "--no-loadscope-reorder"]
    command = [sys.executable, "-m", "pytest", *spread, *folders, *more]
    if tier is None:
        note(t("Left out, run them by name: {names}", names=", ".join(sorted(ASKED_FOR))))
    note(t("Running: {command}", command=" ".join(["pytest", *command[3:]])))
    environment = dict(os.environ)
    for name in [n for n in environment if n.startswith("GGI_") and n not in ("GGI_CACHE_HOME",)]:
        # The tests set what they need; the caller's own inventory or language must not leak in.
        del environment[name]
    raise typer.Exit(subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def bench(context: typer.Context) -> None:
    """Measure speed and memory, each figure side by side with an alternative in the same run.

    Example: ggi bench
    """
    command = [sys.executable, str(ROOT / "benchmarks" / "run.py"), *context.args]
    raise typer.Exit(subprocess.run(command, cwd=ROOT, check=False).returncode)
