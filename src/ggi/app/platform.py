"""Where stacks are: real clusters, hosts and tenants, or a sandbox on this machine, which implements the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ggi.app.running import RunningImage
    from ggi.app.workspace import Owner, Workspace
    from ggi.cookbook.channel import Channel
    from ggi.cookbook.content import Cookbook
    from ggi.cookbook.runner import HandRunner
    from ggi.cookbook.targets import M365Tenant
    from ggi.engine.kubeapi import KubeApi
    from ggi.engine.target import Target
    from ggi.hosts.prober import Probe
    from ggi.inventory.load import Environment

Report = Callable[[str], None]
"""Takes one line for a person."""


class Platform(Protocol):
    """Where a use case reads and writes."""

    @property
    def sandbox(self) -> str | None:
        """Name of the sandbox; None for what is real."""

    @property
    def simulated(self) -> str:
        """What is simulated here, in English and marked for translation; empty for what is real."""

    def kubeconfig(self, owner: Owner) -> tuple[str, str]:
        """Kubeconfig and context of the cluster of `owner`. Raises WorkError when there is none."""

    def reach(self, address: str, port: int) -> tuple[str, int] | None:
        """Host and port by which this machine reaches an address of the cluster; None where nothing answers."""

    def authorities(self, owner: Owner, api: KubeApi) -> str:
        """Certificates of authorities, in PEM, that vouch for public names on the cluster of `owner`.

        Empty: those of the system. `api` reads that cluster.
        """

    def running_images(self, environment: Environment) -> Sequence[RunningImage] | None:
        """The images that run in the namespace; None where nothing stands in for one, so that manifests tell.

        Raises WorkError.
        """

    def start(self, owner: Owner, report: Report) -> None:
        """Bring up what must run before the cluster of `owner` can be used. Raises WorkError."""

    def target(self, workspace: Workspace, owner: Owner, cli: Path) -> Target:
        """Where Pulumi (`cli`) works on the stack of `owner`."""

    def hosts_environment(self) -> Mapping[str, str]:
        """What Ansible and the resolver of secrets need to reach the hosts of a network, beside the process's own."""

    def probe(self, stack: str, points: str) -> tuple[Probe, str]:
        """What tries log-ins as a group of access points of a network, and from which address ("": this machine's)."""

    async def channels(
        self, tenant: M365Tenant, book: Cookbook, by_hand: HandRunner | None, stack: AsyncExitStack, report: Report
    ) -> Mapping[str, Channel]:
        """Ways to read and write a Microsoft 365 tenant, by name; `stack` closes them."""


class RealPlatform:
    """The clusters that regions name, hosts at their own addresses, and Microsoft 365 itself."""

    sandbox = None
    simulated = ""

    def kubeconfig(self, owner: Owner) -> tuple[str, str]:
        """The user's own kubeconfig, and the context that the region names."""
        named = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
        return named, owner.cluster.context

    def reach(self, address: str, port: int) -> tuple[str, int] | None:
        """The address itself."""
        return address, port

    def authorities(self, owner: Owner, api: KubeApi) -> str:
        """Those that the region names of a private issuer (`gateway.authorities`)."""
        return owner.cluster.gateway.authorities

    def running_images(self, environment: Environment) -> None:
        """Nothing: nodes pull what manifests name."""

    def start(self, owner: Owner, report: Report) -> None:
        """Nothing: somebody runs it."""

    def target(self, workspace: Workspace, owner: Owner, cli: Path) -> Target:
        """The backend and passphrase of the environment, else those of the user's state folder."""
        from ggi.engine.target import Target, real_backend

        backend, passphrase = real_backend()
        kubeconfig, context = self.kubeconfig(owner)
        return Target(
            stack=owner.stack,
            sandbox=False,
            cli=cli,
            backend=backend,
            passphrase_file=passphrase,
            kubeconfig=kubeconfig,
            context=context,
            inventory=workspace.folder,
            content=tuple(path.resolve() for path in workspace.content),
        )

    def hosts_environment(self) -> Mapping[str, str]:
        """Nothing: the process's own."""
        return {}

    def probe(self, stack: str, points: str) -> tuple[Probe, str]:
        """From this machine."""
        from ggi.hosts.prober import here

        return here, ""

    async def channels(
        self, tenant: M365Tenant, book: Cookbook, by_hand: HandRunner | None, stack: AsyncExitStack, report: Report
    ) -> Mapping[str, Channel]:
        """Microsoft Graph, PowerShell on this machine (or by hand), and the DNS."""
        from ggi.cookbook.dns import DnsChannel, mail_records
        from ggi.cookbook.graph.channel import GraphChannel
        from ggi.cookbook.graph.client import GraphClient
        from ggi.cookbook.graph.credential import administrator, application
        from ggi.cookbook.runner import SCRIPT, ProcessRunner, RunnerChannel
        from ggi.paths import ROOT

        file = tenant.file
        app = await stack.enter_async_context(GraphClient(application(file)))
        admin = await stack.enter_async_context(GraphClient(administrator(file, report))) if file.delegated else None
        runner = by_hand or ProcessRunner([os.environ.get("GGI_PWSH", "pwsh")], ROOT / SCRIPT)
        identity = {"directory": file.directory or "", "client": file.client or "", "domain": file.domain or ""}
        return {
            "graph": GraphChannel(book, app, admin),
            "runner": RunnerChannel(book, runner, identity),
            "dns": DnsChannel(book, mail_records),
        }
