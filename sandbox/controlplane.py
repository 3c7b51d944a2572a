"""Start, stop and look at a sandbox: a real Kubernetes API server, with simulated nodes or with real ones."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ggi.engine import tools
from ggi.engine.kubeapi import KubeApi
from ggi.engine.kubehttp import ApiError
from ggi.engine.locks import locked
from ggi.errors import Problem, WorkError
from ggi.files import write_atomically
from ggi.messages import mark, t
from sandbox import certificates, content, crds, kwok, processes
from sandbox.certificates import Pki
from sandbox.layout import DEFAULT, PORT_NAMES, Layout
from sandbox.node import fabric, operators, stock
from sandbox.node.images import Images
from sandbox.node.nodes import AROUND, FABRIC, OUTSIDE, PORTS, SURROUNDINGS, Nodes
from sandbox.node.programs import IN_PODS, ON_NODES, obstacles
from sandbox.node.pulled import pull
from sandbox.node.standins import simulated
from sandbox.parts import API_PORT, ControlPlanePart, RealNodes, healthy, parts

Report = Callable[[str], None]

READY_SECONDS = 120.0
"""How long one part may take to become healthy; on an idle machine each needs at most two seconds."""

STOP_SECONDS = 15.0

_ORDER = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")
_CLIENTS = ("kube-controller-manager", "kube-scheduler", "kwok")
_SETTLED_SECONDS = 60.0
_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox."""

    name: str
    kubeconfig: Path
    context: str
    server: str

    def api(self) -> KubeApi:
        """A client with the administrator's rights; the caller closes it."""
        return KubeApi.from_kubeconfig(self.kubeconfig, self.context)


def start(
    name: str = DEFAULT,
    report: Report = lambda line: None,
    *,
    offers: content.Offers | None = None,
    real: bool = False,
) -> Sandbox:
    """Bring up the sandbox `name`, or what is missing of it, and return when it is ready for use.

    With `real` nodes, or simulated ones; one that was started with real nodes keeps them until it is reset. What runs
    well is left alone. The first start on a machine builds the programs (about 7 minutes on two cores; 15 more and 3
    for images with real nodes). Of two starts at once the second waits. Raises WorkError with the reason and the log of
    the part that failed.
    """
    layout = Layout.of(name)
    real = real or layout.real
    if real and layout.data.is_dir() and not layout.real:
        raise WorkError(
            Problem(
                t("the sandbox {name} has simulated nodes", name=name),
                t("Start one of another name (`--name`), or empty this one first with `./ggi sandbox reset`."),
            )
        )
    if real and (why_not := obstacles()):
        raise WorkError(Problem(t("no real node on this machine: {why}", why="; ".join(why_not))))
    wanted = (
        *(x for x in tools.CONTROL_PLANE if not real or x is not tools.KWOK),
        *((*ON_NODES, *IN_PODS) if real else ()),
    )
    resolved = tools.ensure(wanted, report)
    definitions = crds.definitions(report)
    layout.create()
    with locked(layout.lock, t("the sandbox {name}", name=name), report):
        return _start(layout, resolved, definitions, offers, real, report)


def _start(
    layout: Layout,
    resolved: dict[str, tools.Resolved],
    definitions: list[dict[str, Any]],
    offers: content.Offers | None,
    real: bool,
    report: Report,
) -> Sandbox:
    """The same, of a sandbox that nobody else starts or stops now, with the programs at hand."""
    programs = {name: found.path for name, found in resolved.items()}
    nodes = Nodes(layout) if real else None
    offers = offers or content.Offers()
    if nodes:
        nodes.choose(offers)
    order = _order(layout)
    pki, renewed = certificates.ensure(layout.pki, extra=nodes.extra if nodes else None)
    if renewed or (nodes and not nodes.pid(FABRIC)):
        _end(layout, order)
    running = frozenset(part for part in order if processes.read(_run_file(layout, part)))
    kept = running | ({"etcd-peer"} if "etcd" in running else frozenset())
    names = (*PORT_NAMES, *(node.name for node in nodes.all)) if nodes else PORT_NAMES
    ports = layout.choose_ports(kept, names)
    server = _configure(layout, pki, ports)
    found: dict[str, ControlPlanePart] = {}
    if nodes:
        nodes.configure(pki, programs)
        found = nodes.parts(ports)
        _bring_up(layout, pki, found, (FABRIC,), report)
        fabric.build(nodes.pid(FABRIC) or 0, nodes.all, nodes.plan.addresses)
        found = nodes.parts(ports)
        nodes.write_ports(ports, nodes.doors)
        _bring_up(layout, pki, found, (PORTS, OUTSIDE), report)
    found |= parts(layout, ports, pki, programs, _behind(nodes))
    # A server that has just started on a busy machine takes its time for the largest definitions.
    with KubeApi.from_kubeconfig(layout.kubeconfig, layout.context, timeout=120.0, patience=120.0) as api:
        # What lost the part that it depends on finds it again only after half a minute: a new one is there sooner.
        if _bring_up(layout, pki, found, ("etcd",), report):
            _end(layout, ("kube-apiserver",), patience=0)
        if _bring_up(layout, pki, found, ("kube-apiserver",), report):
            _end(layout, _CLIENTS, patience=1)
        _bring_up(layout, pki, found, ("kube-controller-manager", "kube-scheduler"), report, wait=False)
        content.install_crds(api, definitions, report)
        if nodes:
            _bring_up_nodes(layout, nodes, pki, found, api, offers, report, resolved)
        else:
            # Not earlier: kwok ends at once when a kind that it simulates is unknown.
            _bring_up(layout, pki, found, ("kwok",), report, wait=False)
            content.install_objects(api, offers)
        _bring_up(layout, pki, found, [part for part in _CLIENTS if part in found], report)
        _settle(api)
        if nodes:
            operators.wait_until_ready(api, nodes)
    return Sandbox(layout.name, layout.kubeconfig, layout.context, server)


def _bring_up_nodes(
    layout: Layout,
    nodes: Nodes,
    pki: Pki,
    found: dict[str, ControlPlanePart],
    api: KubeApi,
    offers: content.Offers,
    report: Report,
    resolved: dict[str, tools.Resolved],
) -> None:
    """Start the nodes, bring them their images, and install what the cluster itself holds."""
    items = operators.manifests(offers, nodes.plan, report)
    first = [item for item in items if item["metadata"]["name"].startswith(("sandbox-capacity", "system:kube-router"))]
    operators.install(api, [*first, *operators.node_objects(nodes.all)])
    store = Images()
    if bare := [node for node in nodes.all if not nodes.image_folder(node).is_dir()]:
        named = operators.names(pull(operators.of_releases(), store, report))
        prepared = stock.ensure(store, named, resolved, report)
        for node in bare:
            stock.copy(prepared, nodes.image_folder(node))
    for node in nodes.all:
        if not nodes.pid(node.name):
            nodes.prepare(node)
    _bring_up(layout, pki, found, (SURROUNDINGS, *(node.name for node in nodes.all)), report, wait=False)
    for node in nodes.all:
        fabric.connect(nodes.pid(FABRIC) or 0, node, nodes.pid(node.name) or 0, nodes.all)
    _bring_up(layout, pki, found, tuple(node.name for node in nodes.all), report)
    operators.load_images(nodes, store, resolved, report)
    operators.install(api, items)


def _behind(nodes: Nodes | None) -> RealNodes | None:
    if nodes is None:
        return None
    inside = fabric.inside(nodes.pid(FABRIC) or 0)
    return RealNodes(nodes.plan.api, inside)


def _order(layout: Layout) -> tuple[str, ...]:
    """The parts in the order in which they start."""
    if not layout.real:
        return _ORDER
    rest = [part for part in Nodes(layout).names if part not in AROUND]
    return (*AROUND, *(part for part in _ORDER if part != "kwok"), *rest)


def stop(name: str = DEFAULT, report: Report = lambda line: None) -> bool:
    """End all parts of the sandbox and wait until they are gone.

    What was stored stays. Returns whether anything ran.
    """
    layout = Layout.of(name)
    if not layout.folder.is_dir():
        return False
    with locked(layout.lock, t("the sandbox {name}", name=name), report):
        running = [part for part in _order(layout) if processes.read(_run_file(layout, part))]
        _end(layout, _order(layout))
        if layout.real:
            for node in Nodes(layout).all:
                Nodes(layout).clean(node)
    return bool(running)


def reset(name: str = DEFAULT, report: Report = lambda line: None) -> bool:
    """Stop the sandbox and throw away all that was stored in it.

    Returns whether it ran. Ports and certificates stay.
    """
    layout = Layout.of(name)
    ran = stop(name, report)
    if layout.folder.is_dir():
        with locked(layout.lock, t("the sandbox {name}", name=name), report):
            for folder in (layout.data, layout.logs, layout.folder / "kwok", layout.nodes):
                shutil.rmtree(folder, ignore_errors=True)
    return ran


def kubeconfig(name: str = DEFAULT) -> Path:
    """The kubeconfig of the sandbox. Raises WorkError when it was never started."""
    layout = Layout.of(name)
    if not layout.kubeconfig.is_file():
        raise WorkError(Problem(t("there is no sandbox {name}", name=name), t("Run `./ggi sandbox start` first.")))
    return layout.kubeconfig


def status(name: str = DEFAULT) -> dict[str, Any]:
    """How the sandbox is, ready for JSON. Starts nothing and never raises for a part that is down.

    `state` is `running` (every part is healthy), `degraded` (some are) or `stopped`; memory is in MiB (resident set).
    """
    layout = Layout.of(name)
    ports = layout.ports()
    pki = Pki(layout.pki)
    order = _order(layout)
    found = parts(layout, ports, pki, {part: Path(part) for part in _ORDER}) if len(ports) else {}
    if layout.real and len(ports):
        found |= Nodes(layout).parts(ports)
    rows: list[dict[str, Any]] = []
    for part in order:
        record = processes.read(_run_file(layout, part))
        rows.append(
            {
                "name": part,
                "pid": record.pid if record else None,
                "healthy": bool(record and part in found and healthy(found[part], pki)),
                "port": ports.get(part),
                "memory_mib": round(processes.memory(record.pid) / 2**20) if record else 0,
                "log": str(layout.logs / f"{part}.log"),
            }
        )
    alive = [row for row in rows if row["pid"]]
    well = all(row["healthy"] for row in rows)
    state = mark("running") if well else mark("degraded") if alive else mark("stopped")
    answer: dict[str, Any] = {
        "name": name,
        "state": state,
        "simulated": simulated(name),
        "real": layout.real,
        "context": layout.context,
        "kubeconfig": str(layout.kubeconfig) if layout.kubeconfig.is_file() else None,
        "server": f"https://127.0.0.1:{ports['kube-apiserver']}" if "kube-apiserver" in ports else None,
        "kubernetes": tools.KUBERNETES,
        "memory_mib": sum(row["memory_mib"] for row in rows),
        "parts": rows,
        "nodes": {"ready": 0, "total": 0},
    }
    if next(row["healthy"] for row in rows if row["name"] == "kube-apiserver"):
        try:
            with KubeApi.from_kubeconfig(layout.kubeconfig, layout.context, timeout=5.0, patience=0) as api:
                ready, total = content.node_count(api)
            answer["nodes"] = {"ready": ready, "total": total}
        except ApiError:
            pass  # it went away between the two questions
    return answer


def _configure(layout: Layout, pki: Pki, ports: dict[str, int]) -> str:
    """Write the kubeconfigs and kwok's configuration; returns the server's address."""
    server = f"https://127.0.0.1:{ports['kube-apiserver']}"
    write_atomically(layout.kubeconfig, certificates.kubeconfig(pki, "admin", server, layout.context))
    inside = f"https://127.0.0.1:{API_PORT}" if layout.real else server
    for client in ("kube-controller-manager", "kube-scheduler", "kwok"):
        text = certificates.kubeconfig(pki, client, inside, layout.context)
        write_atomically(layout.pki / f"{client}.kubeconfig", text)
    write_atomically(layout.stages, kwok.configuration())
    return server


def _bring_up(
    layout: Layout,
    pki: Pki,
    found: dict[str, ControlPlanePart],
    names: Sequence[str],
    report: Report,
    *,
    wait: bool = True,
) -> list[str]:
    """Start those of `names` that do not run, or run with another command line, and `wait` until all are healthy.

    Returns which ones were started.
    """
    started: list[str] = []
    for name in names:
        part = found[name]
        record = processes.read(_run_file(layout, name))
        if record and record.digest != part.digest():
            report(t("{name}: restarting with its new settings", name=name))
            _end(layout, (name,))
            record = None
        if record is None:
            _spawn(layout, part)
            started.append(name)
    if wait:
        for name in names:
            _wait_until_healthy(layout, pki, found[name], report)
    return started


def _wait_until_healthy(layout: Layout, pki: Pki, part: ControlPlanePart, report: Report) -> None:
    """Wait for `part`. One that ends, or lives but is still ill after a third of the time, is started anew, once."""
    log = layout.logs / f"{part.name}.log"
    began = time.monotonic()
    restarted = False
    while not healthy(part, pki):
        waited = time.monotonic() - began
        gone = processes.read(_run_file(layout, part.name)) is None
        if waited > READY_SECONDS or (gone and restarted):
            values = {"part": part.name, "seconds": READY_SECONDS, "why": _last_line(log)}
            ill = t("{part} is not healthy after {seconds:.0f} s: {why}", **values)
            raise WorkError(
                Problem(
                    t("{part} does not stay up: {why}", **values) if gone else ill,
                    t("See {log}; `./ggi sandbox reset` starts afresh and throws away what is in it.", log=log),
                )
            )
        if not restarted and (gone or waited > READY_SECONDS / 3):
            values = {"part": part.name, "why": _last_line(log)}
            ill = t("{part} is not healthy, starting it anew: {why}", **values)
            report(t("{part} ended, starting it anew: {why}", **values) if gone else ill)
            _end(layout, (part.name,))
            _spawn(layout, part)
            restarted = True
        time.sleep(_PAUSE)


def _spawn(layout: Layout, part: ControlPlanePart) -> None:
    # Times that the stages write are in UTC; proxies of the environment must not come between loopback ends.
    env = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    processes.spawn(
        (*part.inside, *part.command),
        run_file=_run_file(layout, part.name),
        log=layout.logs / f"{part.name}.log",
        digest=part.digest(),
        env={**env, "TZ": "UTC", **part.env},
    )


def _settle(api: KubeApi) -> None:
    """Wait until a pod can be created: the default service account is there and the nodes are ready."""
    give_up = time.monotonic() + _SETTLED_SECONDS
    while time.monotonic() < give_up:
        ready, total = content.node_count(api)
        if ready == total and api.find("v1", "ServiceAccount", "default", "default"):
            return
        time.sleep(_PAUSE)
    raise WorkError(
        Problem(
            t(
                "the nodes or the default service account are not there after {seconds:.0f} s",
                seconds=_SETTLED_SECONDS,
            ),
            t("Look at `./ggi sandbox status` and at the logs that it names."),
        )
    )


def _end(layout: Layout, names: tuple[str, ...], *, patience: float = STOP_SECONDS) -> None:
    """End the parts: those that only use the API server first, then it, then its storage."""
    ours = {"kube-apiserver", "etcd", *AROUND}
    # A node ends as a machine does that loses its power: its first process hears no signal but the last.
    processes.end([_run_file(layout, name) for name in names if name.startswith("node-")], patience=0)
    for group in ([name for name in names if name not in ours], ("kube-apiserver",), ("etcd",), AROUND[::-1]):
        processes.end([_run_file(layout, name) for name in group if name in names], patience=patience)


def _run_file(layout: Layout, part: str) -> Path:
    return layout.run / f"{part}.json"


def _last_line(log: Path) -> str:
    """The last line of a log that says something, shortened; of a node the logs of its programs count as well.

    Servers log an error and then a page of usage or a stack.
    """
    lines: list[str] = []
    for path in (*sorted(log.parent.glob(f"{log.stem}-*.log")), log):
        with contextlib.suppress(OSError):
            lines += [line.strip() for line in path.read_text(errors="replace").splitlines()[-200:] if line.strip()]
    if not lines and not log.exists():
        return t("no log")
    telling = [line for line in lines if "rror" in line or line.startswith(("F", "E")) or "fatal" in line]
    return (telling or lines or [t("nothing in its log")])[-1][:300]
