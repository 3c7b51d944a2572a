"""sandbox start|stop|status|kubeconfig|reset|inventory: a real control plane on this machine, with or without nodes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from ggi.cli import completion
from ggi.cli.options import Json
from ggi.cli.output import Progress, say, say_json, table
from ggi.cli.root import app, workspace_of
from ggi.errors import EXIT_FAILED
from ggi.messages import t

group = typer.Typer(
    name="sandbox",
    help="A real Kubernetes API server on this machine. Pods are simulated, or run on real nodes (start --real).",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(group)

Name = Annotated[
    str, typer.Option("--name", envvar="GGI_SANDBOX", help="Name of the sandbox; several can run side by side.")
]


@group.command()
def start(
    name: Name = "default",
    real: Annotated[
        bool, typer.Option("--real", help="Real nodes: pods run, operators work, policies hold. Needs root and Linux.")
    ] = False,
) -> None:
    """Start the sandbox, or what is missing of it. The first time builds the programs (12 minutes; --real: 25).

    With --real, containers run in namespaces of their own on this machine, which stays as it is; `reset` goes back to
    simulated nodes. Example: ggi sandbox start --real
    """
    from sandbox.controlplane import start as begin
    from sandbox.node.standins import simulated

    with Progress() as progress:
        found = begin(name, progress, real=real)
    say(
        t(
            "The sandbox {name} runs at {server}; {simulated}.",
            name=found.name,
            server=found.server,
            simulated=t(simulated(name)),
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


hosts = typer.Typer(
    name="hosts",
    help="Test hosts for govroam: Debian 13 with systemd in containers. Needs root and podman.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
group.add_typer(hosts)


@hosts.command(name="start")
def start_hosts(
    context: typer.Context,
    networks: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NETWORK...", autocompletion=completion.networks, help="Default: all networks that have a file."
        ),
    ] = None,
    name: Name = "default",
) -> None:
    """Start servers, two national proxies and a host that plays access points. The first time makes an image (2 min).

    Example: ggi sandbox hosts start
    """
    from ggi.hosts.network import find_network
    from ggi.hosts.network import networks as all_networks
    from sandbox.hosts.federation import Federation
    from sandbox.hosts.federation import start as begin
    from sandbox.hosts.site import site_of

    inventory = workspace_of(context).inventory
    known = all_networks(inventory)
    chosen = [find_network(text, inventory, known) for text in networks or sorted(known)]
    sites = [site for one in chosen if (site := site_of(one, known[one])) is not None]
    with Progress() as progress:
        federation = begin(Federation.of(name), sites, progress)
    say(t("{count} test hosts run. Set them up: ggi hosts apply {stack} --sandbox --first --yes",
          count=len(federation.state["hosts"]), stack=sites[0].stack))  # fmt: skip


@hosts.command(name="stop")
def stop_hosts(name: Name = "default") -> None:
    """Stop the test hosts; they stay as they are.

    Example: ggi sandbox hosts stop
    """
    from sandbox.hosts.federation import Federation
    from sandbox.hosts.federation import stop as end

    say(t("{count} test hosts were stopped.", count=len(end(Federation.of(name)))))


@hosts.command(name="reset")
def reset_hosts(name: Name = "default") -> None:
    """Remove the test hosts with all that is in them; the image stays.

    Example: ggi sandbox hosts reset
    """
    from sandbox.hosts.federation import Federation
    from sandbox.hosts.federation import reset as clear

    clear(Federation.of(name))
    say(t("The test hosts {name} are gone.", name=name))


@hosts.command(name="status")
def status_of_hosts(name: Name = "default", json_output: Json = False) -> None:
    """Show the test hosts. Exit code 1 when one does not run.

    Example: ggi sandbox hosts status --json
    """
    from sandbox.hosts.federation import Federation
    from sandbox.hosts.podman import obstacles

    federation = Federation.of(name)
    problems = obstacles()
    found = {} if problems else federation.running()
    if json_output:
        rows = [{"host": h, "address": federation.address(h), "running": runs} for h, runs in found.items()]
        say_json({"name": name, "hosts": rows, "obstacles": problems})
    else:
        for problem in problems:
            say(problem)
        if not found and not problems:
            say(t("There are no test hosts."))
        else:
            lines = [(h, federation.address(h), t("running") if r else t("not running")) for h, r in found.items()]
            table((t("host"), t("address"), t("state")), lines, indent="  ")
    if problems or not found or not all(found.values()):
        raise typer.Exit(EXIT_FAILED)
