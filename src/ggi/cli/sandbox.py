"""sandbox start|stop|status|kubeconfig|reset|inventory: a real control plane on this machine, without containers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ggi.cli.app import app
from ggi.cli.output import Progress, say, say_json, table
from ggi.cli.workspace import SANDBOX
from ggi.errors import EXIT_FAILED
from ggi.messages import t

group = typer.Typer(
    name="sandbox",
    help="A real Kubernetes API server on this machine. Pods are simulated; no container runs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(group)

Name = Annotated[str, typer.Option("--name", envvar=SANDBOX, help="Name of the sandbox; several can run side by side.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@group.command()
def start(name: Name = "default") -> None:
    """Start the sandbox, or what is missing of it. The first time builds the programs (about 12 minutes).

    Example: ggi sandbox start
    """
    from sandbox.controlplane import SIMULATED
    from sandbox.controlplane import start as begin

    with Progress() as progress:
        found = begin(name, progress)
    say(
        t(
            "The sandbox {name} runs at {server}; {simulated}.",
            name=found.name,
            server=found.server,
            simulated=t(SIMULATED),
        )
    )


@group.command()
def stop(name: Name = "default") -> None:
    """Stop the sandbox; what was stored stays.

    Example: ggi sandbox stop
    """
    from sandbox.controlplane import stop as end

    with Progress() as progress:
        ran = end(name, progress)
    say(t("The sandbox {name} was stopped.", name=name) if ran else t("The sandbox {name} did not run.", name=name))


@group.command()
def reset(name: Name = "default") -> None:
    """Stop the sandbox and throw away everything in it, the state of its stacks included.

    Example: ggi sandbox reset
    """
    import shutil

    from ggi.engine.target import local_state
    from sandbox.controlplane import reset as clear

    with Progress() as progress:
        clear(name, progress)
    shutil.rmtree(local_state(name), ignore_errors=True)
    say(t("The sandbox {name} is empty.", name=name))


@group.command()
def status(name: Name = "default", json_output: Json = False) -> None:
    """Show the parts of the sandbox. Exit code 1 when it does not run.

    Example: ggi sandbox status --json
    """
    from sandbox.controlplane import status as look

    found = look(name)
    if json_output:
        say_json(found)
    else:
        say(f"{name}: {t(found['state'])}; {t(found['simulated'])}")
        rows = [
            (
                p["name"],
                p["pid"] or "-",
                p["port"] or "-",
                f"{p['memory_mib']} MiB",
                t("healthy") if p["healthy"] else t("not healthy") if p["pid"] else t("not running"),
            )
            for p in found["parts"]
        ]
        table((t("part"), "pid", t("port"), t("memory"), t("state")), rows, indent="  ")
    if found["state"] != "running":
        raise typer.Exit(EXIT_FAILED)


@group.command()
def kubeconfig(name: Name = "default") -> None:
    """Print the name of the sandbox's kubeconfig file.

    Example: export KUBECONFIG=$(ggi sandbox kubeconfig)
    """
    from sandbox.controlplane import kubeconfig as where

    say(str(where(name)))


@group.command()
def inventory(
    out: Annotated[Path, typer.Option("--out", help="Folder to write; must not exist or be empty.")],
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same inventory.")] = 1,
) -> None:
    """Write an inventory of all 342 gemeenten with invented settings, for tests and measurements.

    Example: ggi sandbox inventory --out /tmp/all && ggi --inventory /tmp/all validate
    """
    from ggi.inventory.generate import sandbox_inventory

    count = sandbox_inventory(out, seed)
    say(t("{count} tenants written to {folder}", count=count, folder=out))
