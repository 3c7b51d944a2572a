"""Which programs the toolkit runs, and where each one comes from on this machine.

The Pulumi CLI against a real cluster is always an official one: from PATH, from its installer, or downloaded. For the
sandbox alone it may also be built from its tagged Go module. The control plane of the sandbox is always built so: one
way that works wherever Go modules can be had is better than two of which one is rarely exercised.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ggi.engine import pulumicli
from ggi.engine.gobuild import GoSource, build
from ggi.engine.gotoolchain import PACKAGE, found_go, go_toolchain
from ggi.engine.locks import locked
from ggi.errors import Problem, WorkError
from ggi.messages import mark, t
from ggi.paths import cache_dir

Report = Callable[[str], None]
How = Literal["path", "official", "built"]


@dataclass(frozen=True, slots=True)
class Tool:
    """A program.

    Its `version`, how it is built, what it is for, and roughly how long a first build takes on two cores (s).
    """

    name: str
    version: str
    source: GoSource
    purpose: str
    seconds: int
    official: bool = False
    """Whether an official one on this machine, or a download of it, is used before building."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A program that can be run now."""

    name: str
    path: Path
    how: How
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}: {self.said} ({self.path})"

    @property
    def said(self) -> str:
        """Where it came from, for people."""
        words = {
            "path": t("found on this machine"),
            "official": t("the official release"),
            "built": t("built from its Go module"),
        }
        return words[self.how]


@dataclass(frozen=True, slots=True)
class ToolStatus:
    """What `doctor` says about a tool.

    `found` is None when it must still be had; `how_to_get` then says what would happen.
    """

    tool: Tool
    found: Resolved | None
    how_to_get: str = ""


KUBERNETES = "v1.36.3"

_KUBERNETES_VARIABLES = {
    f"{package}.{name}": value
    for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    for name, value in {
        "gitVersion": KUBERNETES,
        "gitMajor": KUBERNETES.removeprefix("v").split(".")[0],
        "gitMinor": KUBERNETES.split(".")[1],
        "gitTreeState": "clean",
    }.items()
}


def kubernetes(name: str, purpose: str, seconds: int) -> Tool:
    """A command of Kubernetes itself, in the version of the sandbox."""
    package = f"k8s.io/kubernetes/cmd/{name}"
    source = GoSource("k8s.io/kubernetes", KUBERNETES, package, _KUBERNETES_VARIABLES, staging=True)
    return Tool(name, KUBERNETES.removeprefix("v"), source, purpose, seconds)


PULUMI = Tool(
    "pulumi",
    "3.259.0",
    GoSource(
        "github.com/pulumi/pulumi/pkg/v3",
        "v3.259.0",
        "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        {"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": "v3.259.0"},
    ),
    mark("the engine"),
    240,
    official=True,
)
ETCD = Tool(
    "etcd",
    "3.6.5",
    GoSource("go.etcd.io/etcd/server/v3", "v3.6.5", "go.etcd.io/etcd/server/v3"),
    mark("the sandbox: storage of the API server"),
    35,
)
KUBE_APISERVER = kubernetes("kube-apiserver", mark("the sandbox: the API server"), 220)
KUBE_CONTROLLER_MANAGER = kubernetes(
    "kube-controller-manager", mark("the sandbox: controllers of the built-in kinds"), 60
)
KUBE_SCHEDULER = kubernetes("kube-scheduler", mark("the sandbox: places pods on nodes"), 10)
KUBECTL = kubernetes("kubectl", mark("to look around by hand; optional"), 30)
KWOK = Tool(
    "kwok",
    "0.8.0",
    GoSource(
        "sigs.k8s.io/kwok",
        "v0.8.0",
        "sigs.k8s.io/kwok/cmd/kwok",
        {"sigs.k8s.io/kwok/pkg/consts.Version": "v0.8.0"},
    ),
    mark("the sandbox: simulates nodes, pods and operators"),
    65,
)

CONTROL_PLANE = (ETCD, KUBE_APISERVER, KUBE_CONTROLLER_MANAGER, KUBE_SCHEDULER, KWOK)
TOOLS = (PULUMI, *CONTROL_PLANE, KUBECTL)


def resolve(tool: Tool, *, sandbox: bool, report: Report) -> Resolved:
    """A runnable `tool`, downloading or (for the sandbox) building it when needed.

    Raises WorkError that says how to get it.
    """
    if found := _present(tool, sandbox=sandbox):
        return found
    with locked(_home(tool) / ".lock", f"{tool.name} {tool.version}", report):
        # Another run may have made it while this one waited.
        if found := _present(tool, sandbox=sandbox):
            return found
        why_not = ""
        if tool.official:
            found, why_not = _downloaded(tool, report)
            if found:
                return found
        if not sandbox:
            raise _missing(tool, why_not)
        report(f"{tool.name} {tool.version}: {_building(tool)}")
        build(go_toolchain(report), tool.name, tool.source, _built(tool), report)
    return Resolved(tool.name, _built(tool), "built", tool.version)


def ensure(tools: Iterable[Tool], report: Report) -> dict[str, Resolved]:
    """All `tools` for the sandbox, by name, one after the other."""
    return {tool.name: resolve(tool, sandbox=True, report=report) for tool in tools}


def status(tool: Tool) -> ToolStatus:
    """Whether `tool` is here for the sandbox, without fetching or building anything."""
    if found := _present(tool, sandbox=True):
        return ToolStatus(tool, found)
    with_go = "" if found_go() else ", " + t("with Go from the Python package {package}", package=PACKAGE)
    return ToolStatus(tool, None, f"{_building(tool)}{with_go}")


def is_made(tool: Tool) -> bool:
    """Whether the sandbox's own `tool` is there already: downloaded, or built. Starts no program, unlike `status`."""
    return _runnable(_built(tool)) or (tool.official and _runnable(_official(tool) / "bin" / tool.name))


def _home(tool: Tool) -> Path:
    return cache_dir() / "tools" / tool.name


def _built(tool: Tool) -> Path:
    return _home(tool) / tool.source.edition / tool.name


def _official(tool: Tool) -> Path:
    return _home(tool) / f"{tool.source.version}-official"


def _present(tool: Tool, *, sandbox: bool) -> Resolved | None:
    if tool.official:
        for path in pulumicli.installed(tool.version):
            # `./ggi env` puts the sandbox's own build on PATH: that does not make it an official one.
            if path.resolve().is_relative_to(_home(tool)):
                continue
            if (version := pulumicli.cli_version(path)) and pulumicli.satisfies(version, tool.version):
                return Resolved(tool.name, path, "path", ".".join(map(str, version)))
        path = _official(tool) / "bin" / tool.name
        if _runnable(path):
            return Resolved(tool.name, path, "official", tool.version)
    if sandbox and _runnable(_built(tool)):
        return Resolved(tool.name, _built(tool), "built", tool.version)
    return None


def _downloaded(tool: Tool, report: Report) -> tuple[Resolved | None, str]:
    url = pulumicli.release_url(tool.version)
    if not pulumicli.reachable(url, _home(tool) / ".unreachable"):
        return None, t("{url} does not answer", url=url)
    if why_not := pulumicli.download(tool.version, _official(tool), report):
        report(t("{name} {version}: the download failed: {why}", name=tool.name, version=tool.version, why=why_not))
        return None, why_not
    return Resolved(tool.name, _official(tool) / "bin" / tool.name, "official", tool.version), ""


def _missing(tool: Tool, why_not: str) -> WorkError:
    outdated = [path for path in pulumicli.installed(tool.version) if pulumicli.cli_version(path)]
    here = "; " + t("{path} is too old or of another major version", path=outdated[0]) if outdated else ""
    return WorkError(
        Problem(
            t(
                "a real cluster needs the official {name} {version} or newer, and it can't be downloaded: {why}",
                name=tool.name,
                version=tool.version,
                why=f"{why_not}{here}",
            ),
            t("Install it (https://www.pulumi.com/docs/install/) so that it is on PATH, or use --sandbox."),
        )
    )


def _building(tool: Tool) -> str:
    minutes = max(1, round(tool.seconds / 60))
    return t("built from its Go module, once, in about {minutes} min on two cores", minutes=minutes)


def _runnable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
