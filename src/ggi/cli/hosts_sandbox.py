"""sandbox hosts start|stop|status|reset: test hosts for govroam, as Debian containers on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from ggi.cli.output import Progress, say, say_json, table
from ggi.cli.sandbox import Json, Name, group
from ggi.errors import EXIT_FAILED
from ggi.messages import t

hosts = typer.Typer(
    name="hosts",
    help="Test hosts for govroam: Debian 13 with systemd in containers. Needs root and podman.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
group.add_typer(hosts)


@hosts.command()
def start(
    networks: Annotated[
        list[str] | None,
        typer.Argument(metavar="NETWORK...", help="Default: all networks that have a file."),
    ] = None,
    name: Name = "default",
) -> None:
    """Start servers, two national proxies and a host that plays access points. The first time makes an image (2 min).

    Example: ggi sandbox hosts start
    """
    from ggi.cli.workspace import Workspace
    from ggi.hosts.network import find_network
    from ggi.hosts.network import networks as all_networks
    from sandbox.hosts.federation import Federation
    from sandbox.hosts.federation import start as begin
    from sandbox.hosts.site import site_of

    inventory = Workspace().inventory
    known = all_networks(inventory)
    chosen = [find_network(text, inventory, known) for text in networks or sorted(known)]
    sites = [site for one in chosen if (site := site_of(one, known[one])) is not None]
    with Progress() as progress:
        federation = begin(Federation.of(name), sites, progress)
    say(t("{count} test hosts run. Set them up: ggi hosts apply {stack} --sandbox --first --yes",
          count=len(federation.state["hosts"]), stack=sites[0].stack))  # fmt: skip


@hosts.command()
def stop(name: Name = "default") -> None:
    """Stop the test hosts; they stay as they are.

    Example: ggi sandbox hosts stop
    """
    from sandbox.hosts.federation import Federation
    from sandbox.hosts.federation import stop as end

    say(t("{count} test hosts were stopped.", count=len(end(Federation.of(name)))))


@hosts.command()
def reset(name: Name = "default") -> None:
    """Remove the test hosts with all that is in them; the image stays.

    Example: ggi sandbox hosts reset
    """
    from sandbox.hosts.federation import Federation
    from sandbox.hosts.federation import reset as clear

    clear(Federation.of(name))
    say(t("The test hosts {name} are gone.", name=name))


@hosts.command()
def status(name: Name = "default", json_output: Json = False) -> None:
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
