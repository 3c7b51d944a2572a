"""doctor: what is here, what is missing, and what each missing part would enable."""

from __future__ import annotations

import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from ggi.cli.app import app
from ggi.cli.output import paint, say, say_json, table
from ggi.messages import t


@dataclass(frozen=True, slots=True)
class Finding:
    """One part: is it here, which one, what it is for, and how to get it when it is not."""

    part: str
    here: bool
    found: str
    enables: str
    get: str = ""


def _programs() -> list[Finding]:
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
        result.append(Finding(name, path is not None, path or "", enables, "" if path else get))
    return result


def _plugins() -> list[Finding]:
    """Pulumi's two plugins: official ones, or the sandbox's stand-ins."""
    import os
    from pathlib import Path

    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    result = []
    for name, kind in (
        ("pulumi-language-python", "language-python"),
        ("pulumi-resource-kubernetes", "resource-kubernetes"),
    ):
        cached = sorted((home / "plugins").glob(f"{kind}-v*/{name}"))
        path = shutil.which(name) or (str(cached[-1]) if cached else None)
        get = t("the sandbox uses its stand-in; for a real cluster Pulumi downloads it")
        result.append(Finding(name, path is not None, path or "", t("real clusters"), "" if path else get))
    return result


def _debian_postgres(program: str) -> str | None:
    """Debian keeps the server's programs off PATH."""
    from pathlib import Path

    if program != "postgres":
        return None
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return str(found[-1]) if found else None


def findings() -> list[Finding]:
    """Everything that the toolkit can use on this machine. Fetches and builds nothing."""
    from ggi.engine import tools

    version = platform.python_version()
    result = [Finding("python", sys.version_info >= (3, 11), version, t("everything"))]
    for tool in tools.TOOLS:
        state = tools.status(tool)
        found = f"{state.found.version} ({state.found.said}): {state.found.path}" if state.found else ""
        result.append(Finding(tool.name, state.found is not None, found, t(tool.purpose), state.how_to_get))
    return [*result, *_plugins(), *_programs()]


@app.command()
def doctor(json_output: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show what is here, what is missing, what each missing part would enable, and how to get it.

    Example: ggi doctor
    """
    found = findings()
    if json_output:
        say_json([asdict(f) for f in found])
        return
    rows = [
        (f.part, paint(t("yes"), "green") if f.here else paint(t("no"), "yellow"), f.enables, f.found or f.get)
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
