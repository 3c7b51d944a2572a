"""Whether a running landscape works: each relation and edge tried from its component's place, and by a stranger."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from ggi.catalogue.release import probe_image
from ggi.engine import probepods
from ggi.engine.gateway import PORT, gateway_address
from ggi.engine.kubeapi import KubeApi
from ggi.engine.probepods import ProbePod
from ggi.errors import WorkError
from ggi.landscape.build import Landscape
from ggi.landscape.checks import STRANGER, Check, checks
from ggi.landscape.network import edge_peers
from ggi.landscape.objects import labels
from ggi.messages import mark

if TYPE_CHECKING:
    from ggi.app.platform import Platform
    from ggi.app.workspace import Workspace

Report = Callable[[str], None]

STEPS = {
    "dns": mark("the name is not found"),
    "tcp": mark("no connection"),
    "tls": mark("TLS fails"),
    "old": mark("the certificate ends soon"),
    "auth": mark("the credential is refused"),
    "answer": mark("another answer than expected"),
    "missing": mark("not tried"),
    "open": mark("a stranger gets through"),
}
ADVICE = {
    "dns": mark("Look at the DNS rule of the cluster's own stack, and at the Service."),
    "tcp": mark("Look at the pods behind it (`./ggi status`), and at the NetworkPolicies of both ends."),
    "tls": mark("Look at the Certificate and its authority: `kubectl describe certificate`."),
    "old": mark("A renewed one was not read, or there is none: `kubectl describe certificate`, then restart the pods."),
    "auth": mark("Run `./ggi up` again: both ends derive it. Right after a rotation, wait for the set-up Job."),
    "answer": mark("Look at the log of the component that answered."),
    "missing": mark("Look at the pod of the probe, then run the command again."),
    "open": mark("Are NetworkPolicies enforced on this cluster? Its network plug-in must do that."),
}


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one check. `step` is empty when it is well, else where it stopped (a key of STEPS)."""

    check: Check
    step: str
    seen: str

    @property
    def well(self) -> bool:
        """Whether it is as it should be."""
        return not self.step


def verify(workspace: Workspace, name: str, platform: Platform, report: Report) -> tuple[Landscape, list[Row]]:
    """Try everything that should work in the landscape of stack `name`, where it runs. Raises InputError, WorkError."""
    landscape = workspace.landscape(name)
    found = checks(landscape)
    with KubeApi.from_kubeconfig(*platform.kubeconfig(landscape.environment)) as api:
        environment = landscape.environment
        image = probe_image([workspace.catalogue.releases[environment.release]], environment.cluster)
        return landscape, try_out(api, landscape, found, image, report, platform.authorities(environment, api))


def try_out(
    api: KubeApi, landscape: Landscape, wanted: Sequence[Check], image: str, report: Report, authorities: str = ""
) -> list[Row]:
    """Try `wanted`, from the place of each source. Raises WorkError and ApiError; leaves nothing behind.

    The gateway's certificates must be by `authorities` (PEM); without, by a public one.
    """
    namespace = landscape.environment.namespace
    templates = _templates(api, namespace)
    jobs = _set_up_sources(api, namespace)
    gateway, trouble = gateway_address(api, namespace)
    if trouble:
        raise WorkError(trouble)
    sources = list(dict.fromkeys(check.source for check in wanted))
    with probepods.cleaned(api, namespace) as run:
        probes = _probes(landscape, wanted, sources, templates, jobs, (gateway, authorities), run)
        if STRANGER in sources:
            api.create(_stranger_account(namespace, run))
            api.create(_stranger_policy(landscape, gateway, run))
        said = probepods.run(api, probes, namespace, image, report)
    heard = _heard(wanted, said)
    return [_row(check, heard.get(check.id)) for check in wanted]


def _heard(wanted: Sequence[Check], said: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
    """What was said, by check, without what a stranger says that knocked nowhere: it did not even reach the gateway."""
    strangers = [check for check in wanted if check.source == STRANGER]
    allowed = [check.id for check in strangers if not check.refused]
    if not allowed or any(name in said and said[name]["step"] == "done" for name in allowed):
        return said
    return {name: one for name, one in said.items() if name not in {c.id for c in strangers if c.refused}}


def _probes(
    landscape: Landscape,
    wanted: Sequence[Check],
    sources: Sequence[tuple[str, str]],
    templates: Mapping[tuple[str, str], Mapping[str, Any]],
    jobs: Mapping[str, tuple[Mapping[str, Any], ...]],
    door: tuple[str, str],
    run: str,
) -> list[ProbePod]:
    """A pod for each source that runs now."""
    gateway, authorities = door
    probes = []
    for number, source in enumerate(sources):
        mine = [check for check in wanted if check.source == source]
        details = [_told(check, gateway, authorities) for check in mine]
        template = _stranger(landscape, run) if source == STRANGER else templates.get(source)
        if template is None:
            continue
        env_from = jobs.get(source[0], ()) if any(check.setup for check in mine) else ()
        probes.append(ProbePod(f"ggi-probe-{run}-{number}", template, details, env_from, run))
    return probes


def _told(check: Check, gateway: str, authorities: str) -> dict[str, Any]:
    """A check as the program in the pod reads it."""
    details = {"id": check.id, **check.details}
    if details.pop("gateway", False):
        details |= {"address": gateway, "tls": {"authorities": authorities, **details["tls"]}}
    if check.refused:
        details["refused"] = check.refused
    return details


def _row(check: Check, said: Mapping[str, Any] | None) -> Row:
    if said is None:
        return Row(check, "missing", "")
    step, seen = str(said["step"]), str(said["seen"])
    if step == (check.refused or "done"):
        return Row(check, "", seen)
    return Row(check, "open" if step == "done" else step, seen)


def _templates(api: KubeApi, namespace: str) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Pod templates that run now, by component and process."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for kind in ("Deployment", "StatefulSet"):
        for item in api.list("apps/v1", kind, namespace):
            template = item["spec"]["template"]
            own = template["metadata"].get("labels") or {}
            key = (own.get("app.kubernetes.io/name", ""), own.get("app.kubernetes.io/component", ""))
            found[key] = template
    return found


def _set_up_sources(api: KubeApi, namespace: str) -> dict[str, tuple[Mapping[str, Any], ...]]:
    """Where the configuration Job of each component takes its environment from."""
    found: dict[str, tuple[Mapping[str, Any], ...]] = {}
    for job in api.list("batch/v1", "Job", namespace):
        template = job["spec"]["template"]
        own = template["metadata"].get("labels") or {}
        if own.get("app.kubernetes.io/component") == "configure":
            found[own.get("app.kubernetes.io/name", "")] = tuple(template["spec"]["containers"][0].get("envFrom") or ())
    return found


def _stranger(landscape: Landscape, run: str) -> Mapping[str, Any]:
    """A pod that belongs to no component."""
    own = labels(landscape.stack, "ggi-probe", "stranger")
    return {
        "metadata": {"labels": {**own, "app.kubernetes.io/managed-by": "ggi-verify"}},
        "spec": {"serviceAccountName": f"ggi-probe-{run}"},
    }


def _stranger_account(namespace: str, run: str) -> dict[str, Any]:
    """An account without any right: `default` is everybody's."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": f"ggi-probe-{run}", "namespace": namespace, "labels": {probepods.LABEL: run}},
        "automountServiceAccountToken": False,
    }


def _stranger_policy(landscape: Landscape, gateway: str, run: str) -> dict[str, Any]:
    """Lets the stranger out to what it knocks on, so that it is the other end that must refuse it; nowhere else.

    To the gateway by its pods, where a packet ends, and by its address, as which some network plug-ins see it.
    """
    door = landscape.environment.cluster.gateway.peer
    peers = edge_peers(door)
    processes = [process for item in landscape.components.values() for process in item.component.processes]
    ports = {PORT, *door.ports, *(port.number for process in processes for port in process.pod_ports)}
    with contextlib.suppress(OSError):
        # A gateway in a cloud has a host name, whose addresses are what a packet is sent to.
        found = {str(item[4][0]) for item in socket.getaddrinfo(gateway, PORT, type=socket.SOCK_STREAM)}
        peers = [*peers, *({"ipBlock": {"cidr": str(ip_network(address))}} for address in sorted(found))]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": f"ggi-probe-{run}",
            "namespace": landscape.environment.namespace,
            "labels": {probepods.LABEL: run},
        },
        "spec": {
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": "ggi-probe", probepods.LABEL: run}},
            "policyTypes": ["Ingress", "Egress"],
            "egress": [
                {
                    "to": [{"podSelector": {}}, *peers],
                    "ports": [{"port": number, "protocol": "TCP"} for number in sorted(ports)],
                }
            ],
        },
    }
