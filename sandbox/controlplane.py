"""Start, stop and look at a sandbox: a real Kubernetes API server on loopback ports, behind which nothing runs."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
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
from sandbox.layout import DEFAULT, Layout
from sandbox.parts import ControlPlanePart, healthy, parts

Report = Callable[[str], None]

SIMULATED = mark("pods are simulated (kwok); no container runs")
"""Belongs, translated, in every status and closing line about a sandbox."""

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


def start(name: str = DEFAULT, report: Report = lambda line: None, *, offers: content.Offers | None = None) -> Sandbox:
    """Bring up the sandbox `name`, or what is missing of it, and return when it is ready for use.

    What runs well is left alone. The first start on a machine builds the programs (about 7 minutes on two cores). Of
    two starts at once the second waits. Raises WorkError with the reason and the log of the part that failed.
    """
    layout = Layout.of(name)
    programs = {key: found.path for key, found in tools.ensure(tools.CONTROL_PLANE, report).items()}
    definitions = crds.definitions(report)
    layout.create()
    with locked(layout.lock, t("the sandbox {name}", name=name), report):
        pki, renewed = certificates.ensure(layout.pki)
        if renewed:
            _end(layout, _ORDER)
        running = frozenset(part for part in _ORDER if processes.read(_run_file(layout, part)))
        kept = running | ({"etcd-peer"} if "etcd" in running else frozenset())
        ports = layout.choose_ports(kept)
        server = _configure(layout, pki, ports)
        found = parts(layout, ports, pki, programs)
        # A server that has just started on a busy machine takes its time for the largest definitions.
        with KubeApi.from_kubeconfig(layout.kubeconfig, layout.context, timeout=120.0, patience=120.0) as api:
            # What lost the part that it depends on finds it again only after half a minute: a new one is there sooner.
            if _bring_up(layout, pki, found, ("etcd",), report):
                _end(layout, ("kube-apiserver",), patience=0)
            if _bring_up(layout, pki, found, ("kube-apiserver",), report):
                _end(layout, _CLIENTS, patience=1)
            _bring_up(layout, pki, found, ("kube-controller-manager", "kube-scheduler"), report, wait=False)
            content.install_crds(api, definitions, report)
            # Not earlier: kwok ends at once when a kind that it simulates is unknown.
            _bring_up(layout, pki, found, ("kwok",), report, wait=False)
            content.install_objects(api, offers or content.Offers())
            _bring_up(layout, pki, found, _CLIENTS, report)
            _settle(api)
    return Sandbox(name, layout.kubeconfig, layout.context, server)


def stop(name: str = DEFAULT, report: Report = lambda line: None) -> bool:
    """End all parts of the sandbox and wait until they are gone.

    What was stored stays. Returns whether anything ran.
    """
    layout = Layout.of(name)
    if not layout.folder.is_dir():
        return False
    with locked(layout.lock, t("the sandbox {name}", name=name), report):
        running = [part for part in _ORDER if processes.read(_run_file(layout, part))]
        _end(layout, _ORDER)
    return bool(running)


def reset(name: str = DEFAULT, report: Report = lambda line: None) -> bool:
    """Stop the sandbox and throw away all that was stored in it.

    Returns whether it ran. Ports and certificates stay.
    """
    layout = Layout.of(name)
    ran = stop(name, report)
    if layout.folder.is_dir():
        with locked(layout.lock, t("the sandbox {name}", name=name), report):
            for folder in (layout.data, layout.logs, layout.folder / "kwok"):
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
    found = parts(layout, ports, pki, {part: Path(part) for part in _ORDER}) if len(ports) else {}
    rows: list[dict[str, Any]] = []
    for part in _ORDER:
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
        "simulated": SIMULATED,
        "context": layout.context,
        "kubeconfig": str(layout.kubeconfig) if layout.kubeconfig.is_file() else None,
        "server": f"https://127.0.0.1:{ports['kube-apiserver']}" if "kube-apiserver" in ports else None,
        "kubernetes": tools.KUBERNETES,
        "memory_mib": sum(row["memory_mib"] for row in rows),
        "parts": rows,
        "nodes": {"ready": 0, "total": 0},
    }
    if rows[1]["healthy"]:
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
    for client in ("kube-controller-manager", "kube-scheduler", "kwok"):
        text = certificates.kubeconfig(pki, client, server, layout.context)
        write_atomically(layout.pki / f"{client}.kubeconfig", text)
    write_atomically(layout.stages, kwok.configuration())
    return server


def _bring_up(
    layout: Layout,
    pki: Pki,
    found: dict[str, ControlPlanePart],
    names: tuple[str, ...],
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
        part.command,
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
    for group in (_CLIENTS, ("kube-apiserver",), ("etcd",)):
        processes.end([_run_file(layout, name) for name in group if name in names], patience=patience)


def _run_file(layout: Layout, part: str) -> Path:
    return layout.run / f"{part}.json"


def _last_line(log: Path) -> str:
    """The last line of a log that says something, shortened.

    Servers log an error and then a page of usage or a stack.
    """
    try:
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines()[-200:] if line.strip()]
    except OSError:
        return t("no log")
    telling = [line for line in lines if "rror" in line or line.startswith("F") or "fatal" in line]
    return (telling or lines or [t("nothing in its log")])[-1][:300]
