"""A sandbox on this machine as a platform: a control plane, test hosts, and stand-in tenants of Microsoft 365."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ggi.paths import ROOT
from sandbox.layout import DEFAULT, Layout

if TYPE_CHECKING:
    from ggi.app.platform import Report
    from ggi.app.running import RunningImage
    from ggi.app.workspace import Owner, Workspace
    from ggi.cookbook.channel import Channel
    from ggi.cookbook.content import Cookbook
    from ggi.cookbook.graph.credential import Token, TokenSource
    from ggi.cookbook.runner import HandRunner
    from ggi.cookbook.targets import M365Tenant
    from ggi.engine.kubeapi import KubeApi
    from ggi.engine.target import Target
    from ggi.hosts.prober import Probe
    from ggi.inventory.load import Environment
    from ggi.inventory.models import Peer
    from sandbox.content import Offers

SANDBOX = "GGI_SANDBOX"
"""Environment variable with the name of the sandbox that is meant; without it, `default`."""


@dataclass(frozen=True)
class SandboxPlatform:
    """The sandbox with this name; several can run side by side."""

    sandbox: str

    @classmethod
    def chosen(cls) -> SandboxPlatform:
        """The sandbox that the environment names, or the default one."""
        return cls(os.environ.get(SANDBOX) or DEFAULT)

    @property
    def simulated(self) -> str:
        """Pods, or what runs in some of them: asked anew each time."""
        from sandbox.node.standins import simulated

        return simulated(self.sandbox)

    def kubeconfig(self, owner: Owner) -> tuple[str, str]:
        """Those of the control plane, whichever cluster is meant. Raises WorkError when it never ran."""
        from sandbox.controlplane import kubeconfig

        return str(kubeconfig(self.sandbox)), Layout.of(self.sandbox).context

    def reach(self, address: str, port: int) -> tuple[str, int] | None:
        """A loopback port that leads there; None where nodes are simulated."""
        from sandbox.node.nodes import Nodes

        layout = Layout.of(self.sandbox)
        return ("127.0.0.1", Nodes(layout).open_door(address, port)) if layout.real else None

    def authorities(self, owner: Owner, api: KubeApi) -> str:
        """The sandbox's own, where certificates are really issued."""
        from base64 import b64decode

        from sandbox.node.operators import ISSUER

        found = api.find("v1", "Secret", ISSUER, "cert-manager") if Layout.of(self.sandbox).real else None
        return b64decode(found["data"]["tls.crt"]).decode() if found else ""

    def running_images(self, environment: Environment) -> Sequence[RunningImage] | None:
        """Those of the landscape's pods by their labels; None where nodes are simulated, since no image runs there."""
        from ggi.engine.kubeapi import KubeApi
        from sandbox.node.standins import running_images

        if not Layout.of(self.sandbox).real:
            return None
        with KubeApi.from_kubeconfig(*self.kubeconfig(environment)) as api:
            return running_images(self.sandbox, api, environment.namespace)

    def start(self, owner: Owner, report: Report) -> None:
        """Start the control plane, offering what the cluster calls by name: storage classes, issuer, gateway."""
        from sandbox.controlplane import start

        start(self.sandbox, report, offers=offers_of(owner))

    def target(self, workspace: Workspace, owner: Owner, cli: Path) -> Target:
        """A state, a passphrase and a PULUMI_HOME of the sandbox's own, with the stand-ins of the plugins."""
        from ggi.engine.target import Target, local_state, passphrase_file, without_engine_log
        from sandbox.plugins.install import install

        folder = local_state(self.sandbox)
        home = folder / "home"
        (folder / "state").mkdir(parents=True, exist_ok=True, mode=0o700)
        install(home)
        without_engine_log(home)
        kubeconfig, context = self.kubeconfig(owner)
        return Target(
            stack=owner.stack,
            sandbox=True,
            cli=cli,
            backend=f"file://{folder / 'state'}",
            passphrase_file=passphrase_file(folder),
            kubeconfig=kubeconfig,
            context=context,
            inventory=workspace.folder,
            content=tuple(path.resolve() for path in workspace.content),
            home=home,
            config_file=folder / f"Pulumi.{owner.stack}.yaml",
        )

    def hosts_environment(self) -> Mapping[str, str]:
        """Keys and addresses of the test hosts."""
        from sandbox.hosts.federation import Federation

        return Federation.of(self.sandbox).environment

    def probe(self, stack: str, points: str) -> tuple[Probe, str]:
        """From the container that plays access points, at the address of this group."""
        from ggi.hosts.prober import in_container
        from sandbox.hosts.federation import Federation
        from sandbox.hosts.site import AP

        federation = Federation.of(self.sandbox)
        probe = in_container(lambda words, text: federation.pipe(AP, words, text))
        return probe, federation.address(f"{stack}/{points}")

    async def channels(
        self, tenant: M365Tenant, book: Cookbook, by_hand: HandRunner | None, stack: AsyncExitStack, report: Report
    ) -> Mapping[str, Channel]:
        """A stand-in of Microsoft Graph, of PowerShell and of the DNS. Microsoft 365 is not contacted."""
        from ggi.cookbook.dns import DnsChannel
        from ggi.cookbook.graph.budget import RATES
        from ggi.cookbook.graph.channel import GraphChannel
        from ggi.cookbook.graph.client import GraphClient
        from ggi.cookbook.runner import SCRIPT, ProcessRunner, RunnerChannel
        from sandbox.graph.server import StandIn, make_token
        from sandbox.graph.state import stand_in_state

        server = stack.enter_context(StandIn(book, lambda name: stand_in_state(name, self.sandbox)))
        name, delegated = tenant.stack, tenant.file.delegated
        plenty = dict.fromkeys(RATES, 1e6)

        async def client(*, delegated: bool) -> GraphClient:
            credential: TokenSource = StandInCredential(name, delegated)
            return await stack.enter_async_context(GraphClient(credential, endpoint=server.url, rates=plenty))

        token, _ = make_token(name, delegated=delegated)
        environment = {**os.environ, "GGI_STAND_IN": server.url, "GGI_STAND_IN_TOKEN": token, "PYTHONPATH": str(ROOT)}
        pwsh = ProcessRunner([sys.executable, "-m", "sandbox.graph.pwsh"], ROOT / SCRIPT, environment)
        state = server.tenant(name)

        async def records(domain: str) -> dict[str, str]:
            return dict(state.data["dns"])

        app, admin = await client(delegated=False), await client(delegated=True) if delegated else None
        return {
            "graph": GraphChannel(book, app, admin),
            "runner": RunnerChannel(book, by_hand or pwsh),
            "dns": DnsChannel(book, records),
        }


def offers_of(owner: Owner) -> Offers:
    """What a sandbox offers in the place of the cluster of `owner`, and what it plays outside."""
    from ggi.inventory.load import Environment
    from sandbox.content import Offers

    cluster = owner.cluster
    manager = owner.components.get("fscmanager") if isinstance(owner, Environment) else None
    group = getattr(manager, "group", None)
    return Offers(
        mail=_placed(cluster.smtp_host, cluster.smtp),
        directory=_placed(group.directory_host if group else None, cluster.fsc),
        block=(cluster.storage.block,),
        shared=(cluster.storage.shared,),
        issuers=(cluster.gateway.issuer,),
        gateway_classes=(cluster.gateway.class_name,),
        api=_first_address(cluster.apiserver),
    )


def _first_address(apiserver: Peer) -> str | None:
    """The first address that policies allow, besides that of the Service `kubernetes`."""
    from ipaddress import ip_network

    ranges = [ip_network(cidr) for cidr in apiserver.cidrs]
    return next((str(found[1]) for found in ranges if found.num_addresses > 1), None)


def _placed(host: str | None, edge: Peer | None) -> tuple[str, ...]:
    """A host and the first address of the edge through which it is reached; nothing where either is unknown."""
    from ipaddress import ip_network

    ranges = [ip_network(cidr) for cidr in edge.cidrs] if edge else []
    return (host, str(ranges[0][0 if ranges[0].num_addresses == 1 else 1])) if host and ranges else ()


@dataclass
class StandInCredential:
    """Tokens of the stand-in."""

    tenant: str
    delegated: bool

    async def token(self) -> Token:
        """A new token."""
        from ggi.cookbook.graph.credential import Token
        from sandbox.graph.server import make_token

        return Token(*make_token(self.tenant, delegated=self.delegated))
