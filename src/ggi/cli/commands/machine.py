"""doctor, test, bench: what this machine has, and what it can run."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from ggi.cli.options import Json
from ggi.cli.output import note, paint, say, say_json, table
from ggi.cli.root import app
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
    "node": "pods on real nodes: a cluster examined, a small landscape (root; the first time builds for half an hour)",
    "life": "a whole landscape on real nodes: a log-in, kills under load, rotation, upgrade (root)",
    "engine": "the real Pulumi CLI against the real API server of the sandbox",
}
"""The folders of tests/, which are pytest's marks as well, and what each holds."""
ASKED_FOR = frozenset({"hosts", "node", "life"})
"""Tiers that run only when they are named: they make containers as root, and take from ten minutes to an hour."""


@dataclass(frozen=True, slots=True)
class MachinePart:
    """One part: is it here, which one, what it is for, and how to get it when it is not."""

    part: str
    here: bool
    found: str
    enables: str
    get: str = ""


def _programs() -> list[MachinePart]:
    wanted = [
        ("psql", "postgres", t("tests with a real PostgreSQL"), "apt-get install postgresql"),
        ("redis-server", "redis-server", t("tests with a real Redis"), "apt-get install redis-server"),
        ("java", "java", t("tests with a real Keycloak"), "apt-get install default-jre-headless"),
        ("mvn", "mvn", t("fetching Keycloak for the tests"), "apt-get install maven"),
        ("chromium", "chromium", t("tests of pages in a browser"), "apt-get install chromium"),
    ]
    result = []
    for name, program, enables, get in wanted:
        path = shutil.which(program) or _debian_postgres(program)
        result.append(MachinePart(name, path is not None, path or "", enables, "" if path else get))
    return result


def _plugins() -> list[MachinePart]:
    """Pulumi's two plugins: official ones, or the sandbox's stand-ins."""
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    result = []
    for name, kind in (
        ("pulumi-language-python", "language-python"),
        ("pulumi-resource-kubernetes", "resource-kubernetes"),
    ):
        cached = sorted((home / "plugins").glob(f"{kind}-v*/{name}"))
        path = shutil.which(name) or (str(cached[-1]) if cached else None)
        get = t("the sandbox uses its stand-in; for a real cluster Pulumi downloads it")
        result.append(MachinePart(name, path is not None, path or "", t("real clusters"), "" if path else get))
    return result


def _debian_postgres(program: str) -> str | None:
    """Debian keeps the server's programs off PATH."""
    if program != "postgres":
        return None
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return str(found[-1]) if found else None


def findings() -> list[MachinePart]:
    """Everything that the toolkit can use on this machine. Fetches and builds nothing."""
    from ggi.engine import tools

    version = platform.python_version()
    result = [MachinePart("python", sys.version_info >= (3, 11), version, t("everything"))]
    for tool in tools.TOOLS:
        state = tools.status(tool)
        found = f"{state.found.version} ({state.found.said}): {state.found.path}" if state.found else ""
        result.append(MachinePart(tool.name, state.found is not None, found, t(tool.purpose), state.how_to_get))
    return [*result, *_plugins(), *_programs(), *_network()]


DOCTOR_SECONDS = 3.0
"""How long `doctor` waits for a proxy or a mirror."""


def _network() -> list[MachinePart]:
    """The settings of `ggi.engine.net` that are made, each tried. One that is not made is not missing."""
    from ggi.engine import net
    from ggi.errors import GgiError

    result = []
    for name in ("HTTPS_PROXY", "HTTP_PROXY"):
        if value := os.environ.get(name) or os.environ.get(name.lower()):
            shown = net.proxy_host(value)
            why = net.unanswered(shown, DOCTOR_SECONDS) if shown else t("this is no address of a proxy")
            result.append(MachinePart(name, not why, shown, t("every connection to outside"), why))
    if path := os.environ.get(net.AUTHORITIES):
        try:
            count, why = net.authorities(Path(path)), ""
        except GgiError as error:
            count, why = 0, error.problems[0].message
        found = t("{path}: {count} certificates", path=path, count=count)
        result.append(MachinePart(net.AUTHORITIES, not why, found, t("every connection with TLS"), why))
    try:
        known = net.mirrors()
    except GgiError as error:
        why = error.problems[0].message
        return [*result, MachinePart(net.MIRRORS, False, "", t("reading images' digests"), why)]
    for registry, mirror in known.items():
        why = net.mirror_fault(mirror, DOCTOR_SECONDS)
        found = f"{registry}: {mirror}"
        result.append(
            MachinePart(net.MIRRORS, not why, found, t("reading images' digests"), f"{found}: {why}" if why else "")
        )
    return result


@app.command()
def doctor(json_output: Json = False) -> None:
    """Show what is here, what is missing, what each missing part would enable, and how to get it.

    Example: ggi doctor
    """
    found = findings()
    if json_output:
        say_json([asdict(f) for f in found])
        return
    rows = [
        (
            f.part,
            paint(t("yes"), "green") if f.here else paint(t("no"), "yellow"),
            f.enables,
            f.found if f.here else f.get,
        )
        for f in found
    ]
    table((t("part"), t("here"), t("for"), t("which one, or how to get it")), rows)
    missing = sum(not f.here for f in found)
    say()
    say(
        t("Everything is here.")
        if not missing
        else t("{count} parts are missing; nothing of it is needed for `plan`, `validate` and `render`.", count=missing)
    )


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(
    context: typer.Context,
    tier: Annotated[
        str | None, typer.Argument(help=f"One of {', '.join(TIERS)}; default: all but hosts, node and life.")
    ] = None,
    also: Annotated[
        list[str] | None, typer.Option("--also", help="With the default ones: one of those that must be named.")
    ] = None,
) -> None:
    """Run the tests that this machine can run. Further options go to pytest.

    Example: ggi test unit -k merge
    """
    for name in (tier, *(also or ())):
        if name is not None and name not in TIERS and not name.startswith("-"):
            raise InputError(
                Problem(t("there is no test tier {name}", name=name), t("Known: {names}.", names=", ".join(TIERS)))
            )
    more = list(context.args)
    if tier is not None and tier.startswith("-"):
        more, tier = [tier, *more], None
    tiers = [tier] if tier else [name for name in TIERS if name not in ASKED_FOR or name in (also or ())]
    folders = [str(ROOT / "tests" / name) for name in tiers if (ROOT / "tests" / name).is_dir()]
    # A process per core and one more, since tests of servers wait a lot; which stay together, and in which order, is
    # said in tests/conftest.py.
    workers = str((os.cpu_count() or 1) + 1)
    spread = ["-n", workers, "--dist", "loadgroup", "--no-loadscope-reorder"]
    command = [sys.executable, "-m", "pytest", *spread, *folders, *more]
    if tier is None:
        left = ", ".join(sorted(ASKED_FOR.difference(also or ())))
        note(t("Left out, run them by name: {names}", names=left))
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
