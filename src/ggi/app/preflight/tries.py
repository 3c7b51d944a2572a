"""What can only be tried: with short-lived pods, in a namespace that is made for it and removed again.

Two pods talk before a NetworkPolicy and after it; one asks the DNS and the API server through just the edges that the
region declares; one of each registry is pulled; and if asked, volumes are claimed. The namespace carries a label by
which the next run finds what an earlier one left; so two runs on one cluster at once disturb each other.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ggi.app.preflight.row import PreflightOutcome, PreflightRow
from ggi.app.preflight.wanted import Wanted
from ggi.engine import probepods
from ggi.engine.kubeapi import KubeApi
from ggi.engine.kubehttp import ForbiddenError
from ggi.engine.probepods import ProbePod, probe_pod
from ggi.errors import WorkError
from ggi.inventory.models import Peer
from ggi.landscape.network import edge_peers
from ggi.landscape.platform import PSS
from ggi.messages import t

Manifest = dict[str, Any]
Report = Callable[[str], None]
Said = Mapping[str, Mapping[str, Any]]

LABEL = "ggi/preflight"
ROLE = "ggi/role"
ALLOWED, DENIED = 8081, 8080
"""Ports of the server: its policy lets requests in on the first alone."""
SERVER = f"""
import http.server, threading
for port in ({ALLOWED}, {DENIED}):
    server = http.server.HTTPServer(("", port), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever).start()
"""
WRITE = "open('/v/it', 'w').write('1'); import time; time.sleep({seconds})"
READ = """
import os, time
for _ in range(120):
    if os.path.exists("/v/it"):
        raise SystemExit(0)
    time.sleep(1)
raise SystemExit(1)
"""
START_SECONDS = 150.0
"""For a pod to start: its image may have to be pulled."""
GONE_SECONDS = 90.0
TIMES, BETWEEN = 4, 3.0
"""A policy is in force some time after it was written: tried so often, with so many seconds between."""
_PAUSE = 0.5
_PULL_ERRORS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable")
"""Reasons of the kubelet (kubernetes/kubernetes v1.36.3, pkg/kubelet/images/types.go)."""


@contextlib.contextmanager
def own_namespace(api: KubeApi, report: Report) -> Iterator[str]:
    """A namespace for the tries, as those of landscapes are; removed afterwards, as is what an earlier run left."""
    sweep(api, report)
    name = f"ggi-preflight-{secrets.token_hex(4)}"
    labels = {LABEL: "true"} | {f"{PSS}/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
    try:
        api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        yield name
    finally:
        report(t("removing the namespace {name}", name=name))
        api.delete("v1", "Namespace", name)
        _wait(lambda: api.find("v1", "Namespace", name) is None, GONE_SECONDS)


def sweep(api: KubeApi, report: Report) -> None:
    """Remove what earlier runs left. Raises ApiError."""
    for item in api.list("v1", "Namespace", labels=f"{LABEL}=true"):
        if not item["metadata"].get("deletionTimestamp"):
            report(t("removing the namespace {name}", name=item["metadata"]["name"]))
            api.delete("v1", "Namespace", item["metadata"]["name"])


def pod_security(api: KubeApi, namespace: str) -> Iterator[PreflightRow]:
    """Whether the labels of a namespace are honoured: a privileged pod must be refused; nothing is made."""
    pod: Manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "privileged", "namespace": namespace},
        "spec": {"containers": [{"name": "it", "image": "none", "securityContext": {"privileged": True}}]},
    }
    why = ""
    try:
        api.create(pod, dry_run=True)
    except ForbiddenError as error:
        why = error.message
    refused = "PodSecurity" in why
    if why and not refused and "cannot create" in why:
        raise ForbiddenError(403, "Forbidden", why)
    # Another admission controller may refuse it first, which serves as well.
    yield PreflightRow(
        "tried/pod-security",
        t("Pod Security"),
        t("a privileged pod is refused") if why else t("a privileged pod is let in"),
        t("labels of the namespace are honoured (restricted)"),
        PreflightOutcome.WELL if refused else PreflightOutcome.ATTENTION if why else PreflightOutcome.WRONG,
        "" if refused else why or t("Switch on the admission plugin PodSecurity of the API server."),
    )


def by_itself(api: KubeApi, namespace: str) -> Iterator[PreflightRow]:
    """What somebody puts into every new namespace: it holds for landscapes too."""
    kinds = (("v1", "ResourceQuota"), ("v1", "LimitRange"), ("networking.k8s.io/v1", "NetworkPolicy"))
    found = [
        f"{kind} {item['metadata']['name']}"
        for version, kind in kinds
        for item in api.list(version, kind, namespace)
        if LABEL not in (item["metadata"].get("labels") or {})
    ]
    yield PreflightRow(
        "tried/new-namespace",
        t("what a new namespace gets by itself"),
        ", ".join(found) or t("nothing"),
        t("nothing that limits a landscape"),
        PreflightOutcome.ATTENTION if found else PreflightOutcome.WELL,
        t("Ask who puts it there, and whether a landscape fits in it.") if found else "",
    )


def network(api: KubeApi, namespace: str, wanted: Wanted, report: Report) -> Iterator[PreflightRow]:
    """Whether a NetworkPolicy holds for those who ask and those who are asked, and whether two edges are right."""
    image = wanted.probe
    report(t("starting pods that ask and that answer"))
    api.create(_server(namespace, image))
    address = _address(api, namespace, "server")
    before = probepods.run(api, _probes("before", address, shut=False), namespace, image, report)
    for policy in policies(wanted.cluster.dns, wanted.cluster.apiserver):
        policy["metadata"] |= {"namespace": namespace, "labels": {LABEL: "true"}}
        api.create(policy)
    after: Said = {}
    for attempt in range(TIMES):
        time.sleep(BETWEEN)
        report(t("asking again, with policies ({number} of {most})", number=attempt + 1, most=TIMES))
        after = probepods.run(api, _probes(f"after{attempt}", address, shut=True), namespace, image, report)
        if all(row.outcome is PreflightOutcome.WELL for row in judged(before, after)):
            break
    yield from judged(before, after)


def policies(dns: Peer, apiserver: Peer) -> list[Manifest]:
    """One for who is asked, one for who asks, and one that lets only two edges through."""

    def policy(role: str, **spec: Any) -> Manifest:
        kinds = [name.capitalize() for name in ("ingress", "egress") if name in spec]
        return {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": role},
            "spec": {"podSelector": {"matchLabels": {ROLE: role}}, "policyTypes": kinds, **spec},
        }

    ways = [
        {"to": edge_peers(peer), "ports": [{"port": p, "protocol": x} for p in peer.ports for x in peer.protocols]}
        for peer in (dns, apiserver)
    ]
    return [
        policy("server", ingress=[{"ports": [{"port": ALLOWED, "protocol": "TCP"}]}]),
        policy("shut", egress=[]),
        policy("edges", egress=ways),
    ]


def judged(before: Said, after: Said) -> list[PreflightRow]:
    """The rows of what the pods said: `step` of each check is `done`, or where it stopped (`ggi.engine.probe`)."""
    began = {name: _step(before, name) for name in ("asked", "allowed", "asking", "edges")}
    now = {name: _step(after, name) for name in began}
    fix = t("Use a network plug-in that enforces NetworkPolicies (such as Calico or Cilium).")
    if any(began[name] != "done" for name in ("asked", "allowed", "asking")):
        why = t("pods do not reach each other without any policy ({step})", step=began["asked"])
        todo = t("Look at the network plug-in, and at policies that somebody puts on every namespace.")
        return [
            PreflightRow(f"tried/{name}", title, why, t("refused by the policy"), PreflightOutcome.WRONG, todo)
            for name, title in (("ingress", _INGRESS()), ("egress", _EGRESS()))
        ] + _edges(began["edges"], now["edges"])
    broken = now["allowed"] != "done"
    rows = []
    for name, title, role in (("ingress", _INGRESS(), "asked"), ("egress", _EGRESS(), "asking")):
        held = now[role] == "tcp"
        found = t("refused by the policy") if held else t("let through in spite of the policy")
        todo = "" if held else fix
        outcome = PreflightOutcome.WELL if held else PreflightOutcome.WRONG
        if broken:
            found, outcome = t("refused, but so is what the policy allows"), PreflightOutcome.WRONG
            todo = t("Look at the network plug-in: it refuses more than its policies say.")
        rows.append(PreflightRow(f"tried/{name}", title, found, t("refused by the policy"), outcome, todo))
    return rows + _edges(began["edges"], now["edges"])


def pulls(api: KubeApi, namespace: str, wanted: Wanted, report: Report) -> Iterator[PreflightRow]:
    """One image of each registry of the release, or of its mirror, pulled by a node, or on it already."""
    names = {}
    fetched = {registry: wanted.cluster.image(image) for registry, image in sorted(wanted.registries.items())}
    for number, (registry, image) in enumerate(fetched.items()):
        names[registry] = f"pull-{number}"
        pod = _bare(names[registry], namespace, image, ["/bin/true"])
        api.create(pod)
    for registry, name in names.items():
        report(t("waiting for an image of {registry}", registry=registry))
        fault: list[str] = []
        done = _wait(lambda: _pulled(api.get("v1", "Pod", name, namespace), fault), START_SECONDS)  # noqa: B023
        image = fetched[registry]
        well = done and not fault
        yield PreflightRow(
            f"tried/pull/{registry}",
            t("nodes and the registry {registry}", registry=registry),
            t("{image} is on the node", image=image) if well else fault[0] if fault else t("no answer in time"),
            t("one image can be pulled"),
            PreflightOutcome.WELL if well else PreflightOutcome.WRONG,
            "" if well else t("Open the way from the nodes to it, or give them a mirror and its credentials."),
        )


def volumes(api: KubeApi, namespace: str, wanted: Wanted, report: Report) -> Iterator[PreflightRow]:
    """A claim of each class: one that a pod writes to, and one that two pods use at once, on two nodes if there are."""
    report(t("claiming volumes"))
    storage = wanted.cluster.storage
    for role, name, mode in (("block", storage.block, "ReadWriteOnce"), ("shared", storage.shared, "ReadWriteMany")):
        spec = {"accessModes": [mode], "storageClassName": name, "resources": {"requests": {"storage": "1Gi"}}}
        meta = {"name": role, "namespace": namespace}
        api.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec})
        stays = 120 if role == "shared" else 0
        pods = [(f"{role}-writes", WRITE.format(seconds=stays))] + ([(f"{role}-reads", READ)] if stays else [])
        for pod, text in pods:
            api.create(_with_claim(_bare(pod, namespace, wanted.probe, ["python3", "-c", text]), role))
    yield _block_row(api, namespace, storage.block)
    yield _shared_row(api, namespace, storage.shared)


def _block_row(api: KubeApi, namespace: str, name: str) -> PreflightRow:
    ended = _ended(api, namespace, "block-writes")
    return PreflightRow(
        "tried/volume/block",
        t("volume of {name}", name=name),
        t("a pod writes to it") if ended == "Succeeded" else ended,
        "ReadWriteOnce",
        PreflightOutcome.WELL if ended == "Succeeded" else PreflightOutcome.WRONG,
        "" if ended == "Succeeded" else t("Look at `kubectl describe pvc` of this class, and at its provisioner."),
    )


def _shared_row(api: KubeApi, namespace: str, name: str) -> PreflightRow:
    ended = _ended(api, namespace, "shared-reads")
    nodes = {
        str(api.get("v1", "Pod", pod, namespace)["spec"].get("nodeName", ""))
        for pod in ("shared-writes", "shared-reads")
    }
    well, apart = ended == "Succeeded", len(nodes) > 1
    return PreflightRow(
        "tried/volume/shared",
        t("volume of {name}", name=name),
        (t("read on one node while written on another") if apart else t("two pods at once, but on one node"))
        if well
        else ended,
        "ReadWriteMany",
        (PreflightOutcome.WELL if apart else PreflightOutcome.ATTENTION) if well else PreflightOutcome.WRONG,
        ("" if apart else t("Try again where there are two nodes."))
        if well
        else t("Name a class that can do ReadWriteMany as storage.shared: NFS, CephFS, Azure Files ..."),
    )


def _edges(before: str, after: str) -> list[PreflightRow]:
    needed = t("the name of the API server is found, and it answers, through these edges alone")
    if before != "done":
        found = t("also without a policy it stops at: {step}", step=before)
        todo = t("Look at the DNS and at the network of the cluster.")
        return [PreflightRow("tried/edges", _EDGES(), found, needed, PreflightOutcome.WRONG, todo)]
    todos = {
        "done": "",
        "dns": t("Correct `dns` of the cluster in its region; a node-local cache needs its address in cidrs."),
        "tcp": t("Correct `apiserver` of the cluster in its region."),
    }
    found = t("found and reached") if after == "done" else t("with the policy it stops at: {step}", step=after)
    outcome = PreflightOutcome.WELL if after == "done" else PreflightOutcome.WRONG
    return [PreflightRow("tried/edges", _EDGES(), found, needed, outcome, todos.get(after, t("Run it again.")))]


def _INGRESS() -> str:  # noqa: N802
    return t("NetworkPolicy, where a request arrives")


def _EGRESS() -> str:  # noqa: N802
    return t("NetworkPolicy, where a request leaves")


def _EDGES() -> str:  # noqa: N802
    return t("DNS and API server through the declared edges")


def _step(said: Said, name: str) -> str:
    return str((said.get(name) or {}).get("step", "missing"))


def _probes(turn: str, address: str, *, shut: bool) -> Sequence[ProbePod]:
    """Who asks: a free pod, one that a policy shuts, and one that two edges are left to; `shut`: now it must."""

    def check(name: str, host: str, port: int, *, refused: bool = False) -> Manifest:
        return {"id": name, "host": host, "port": port, "tls": None} | ({"refused": "tcp"} if refused else {})

    checks = {
        "free": [check("asked", address, DENIED, refused=shut), check("allowed", address, ALLOWED)],
        "shut": [check("asking", address, ALLOWED, refused=shut)],
        "edges": [check("edges", "kubernetes.default.svc", 443)],
    }
    return [ProbePod(f"{role}-{turn}", {"metadata": {"labels": {ROLE: role}}}, mine) for role, mine in checks.items()]


def _bare(name: str, namespace: str, image: str, command: list[str]) -> Manifest:
    """A pod as probes are, with another program."""
    pod = probe_pod(ProbePod(name, None, ()), namespace, image)
    pod["metadata"]["labels"] = {LABEL: "true", ROLE: name}
    pod["spec"].pop("readinessGates")
    pod["spec"]["containers"][0] |= {"command": command, "env": []}
    return pod


def _server(namespace: str, image: str) -> Manifest:
    return _bare("server", namespace, image, ["python3", "-c", SERVER])


def _with_claim(pod: Manifest, claim: str) -> Manifest:
    spec = pod["spec"]
    spec["securityContext"] |= {"fsGroup": 1000}
    spec["volumes"] = [{"name": "v", "persistentVolumeClaim": {"claimName": claim}}]
    spec["containers"][0]["volumeMounts"] = [{"name": "v", "mountPath": "/v"}]
    selector = {"matchExpressions": [{"key": ROLE, "operator": "In", "values": [f"{claim}-writes"]}]}
    term = {"labelSelector": selector, "topologyKey": "kubernetes.io/hostname"}
    preferred = [{"weight": 100, "podAffinityTerm": term}]
    spec["affinity"] = {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    return pod


def _address(api: KubeApi, namespace: str, name: str) -> str:
    """The address of a pod, once it runs. Raises WorkError that says why it does not."""
    fault: list[str] = []

    def runs() -> bool:
        pod = api.get("v1", "Pod", name, namespace)
        return (_pulled(pod, fault) and bool(fault)) or (pod.get("status") or {}).get("phase") == "Running"

    if not _wait(runs, START_SECONDS) or fault:
        raise WorkError(t("the pod {name} does not run: {why}", name=name, why=fault[0] if fault else "?"))
    return str(api.get("v1", "Pod", name, namespace)["status"]["podIP"])


def _pulled(pod: Manifest, fault: list[str]) -> bool:
    """Whether the kubelet has the image of a pod, or will not get it: then `fault` says why."""
    for container in (pod.get("status") or {}).get("containerStatuses") or ():
        state = container.get("state") or {}
        waiting = state.get("waiting") or {}
        if waiting.get("reason") in _PULL_ERRORS:
            fault.append(f"{waiting['reason']}: {waiting.get('message', '')}"[:300])
            return True
        started = "running" in state or "terminated" in state
        if (
            started
            or container.get("imageID")
            or waiting.get("reason") in ("CreateContainerError", "RunContainerError")
        ):
            return True
    return False


def _ended(api: KubeApi, namespace: str, name: str) -> str:
    """The phase in which a pod ended, or why it did not."""
    found: list[Manifest] = [{}]

    def over() -> bool:
        found[0] = api.get("v1", "Pod", name, namespace)
        return (found[0].get("status") or {}).get("phase") in ("Succeeded", "Failed")

    if _wait(over, START_SECONDS):
        return str(found[0]["status"]["phase"])
    conditions = (found[0].get("status") or {}).get("conditions") or ()
    return "; ".join(str(one["message"]) for one in conditions if one.get("message"))[:300] or t("no answer in time")


def _wait(done: Callable[[], bool], seconds: float) -> bool:
    give_up = time.monotonic() + seconds
    while not done():
        if time.monotonic() > give_up:
            return False
        time.sleep(_PAUSE)
    return True
