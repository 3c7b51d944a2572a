"""What the engine tests share: the sandbox's cluster, and scratch Pulumi projects of raw Kubernetes objects."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ggi.engine.kubeapi import KubeApi
from ggi.engine.tools import CONTROL_PLANE, PULUMI, status
from ggi.paths import ROOT
from sandbox.plugins.install import install
from tests.engine.deploy.place import Place

SANDBOX = "tests"
"""The sandbox of the tests; kept running between runs. Another one: GGI_TEST_SANDBOX."""
RUNNING = pytest.StashKey[Place]()
"""The place whose sandbox runs."""

PROGRAM = """
import json, pathlib, pulumi, pulumi_kubernetes

settings = json.loads(pathlib.Path("objects.json").read_text())
provider = pulumi_kubernetes.Provider("cluster", **settings["provider"])
made = {}

def revealed(value):
    if isinstance(value, dict):
        if set(value) == {"secret!"}:
            return pulumi.Output.secret(value["secret!"])
        return {key: revealed(item) for key, item in value.items()}
    return [revealed(item) for item in value] if isinstance(value, list) else value

for entry in settings["objects"]:
    manifest = entry["manifest"]
    group = manifest["apiVersion"] if "/" in manifest["apiVersion"] else "core/" + manifest["apiVersion"]
    options = pulumi.ResourceOptions(provider=provider, **entry["options"])
    options.depends_on = [made[name] for name in entry["after"]]
    token = "kubernetes:{}:{}".format(group, manifest["kind"])
    made[entry["name"]] = pulumi.CustomResource(token, entry["name"], revealed(manifest), options)
"""


@dataclass(frozen=True)
class SandboxCluster:
    """A running sandbox: its kubeconfig, the context in it, and a client for looking and meddling by hand."""

    kubeconfig: Path
    context: str
    api: KubeApi


@dataclass
class Project:
    """A Pulumi project of its own in `folder`, with the stack `dev`; `secret` values are `{"secret!": text}`."""

    folder: Path
    env: dict[str, str]
    namespace: str
    provider: dict[str, Any]
    entries: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, manifest: dict[str, Any], after: tuple[str, ...] = (), **options: Any) -> None:
        """Register `manifest` under the logical `name`, replacing what had that name."""
        entry = {"name": name, "manifest": manifest, "after": list(after), "options": options}
        places = [place for place, known in enumerate(self.entries) if known["name"] == name]
        if places:
            self.entries[places[0]] = entry
        else:
            self.entries.append(entry)

    def remove(self, name: str) -> None:
        """Take an object out of the program."""
        self.entries = [entry for entry in self.entries if entry["name"] != name]

    def write(self) -> None:
        """Write down what the program registers."""
        content = {"provider": self.provider, "objects": self.entries}
        (self.folder / "objects.json").write_text(json.dumps(content), encoding="utf-8")

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Run the CLI and return all that it wrote; assert that it ended well (or, with `fails`, badly)."""
        self.write()
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color=never"],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        written = done.stdout + done.stderr
        assert (done.returncode != 0) is fails, written
        return written

    def up(self, *arguments: str, fails: bool = False) -> str:
        """Update without a preview first."""
        return self.run("up", "--yes", "--skip-preview", "--stack=dev", *arguments, fails=fails)

    def preview(self, *arguments: str) -> dict[str, str]:
        """Preview and return the operation of each object that is not `same`, by logical name."""
        plan = json.loads(self.run("preview", "--json", "--stack=dev", *arguments))
        found: dict[str, str] = {}
        for step in plan["steps"]:
            name = step["urn"].split("::", 3)[3]
            if "kubernetes:" in step["urn"].split("::")[2] and step["op"] not in ("same", "refresh"):
                found.setdefault(name, step["op"])
        return found

    def state(self) -> list[dict[str, Any]]:
        """The stack's resources as they are stored."""
        exported = json.loads(self.run("stack", "export", "--stack=dev"))
        resources: list[dict[str, Any]] = exported["deployment"].get("resources", [])
        return resources

    def stored(self, name: str) -> dict[str, Any]:
        """The stored resource with the logical `name`."""
        return next(resource for resource in self.state() if resource["urn"].split("::", 3)[3] == name)

    def stack_file(self) -> str:
        """The state as text, as it is on disk."""
        return (self.folder / ".pulumi" / "stacks" / "scratch" / "dev.json").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def tools() -> None:
    """The engine and the control plane; skips with the reason when they are not built here."""
    absent = [tool.name for tool in (PULUMI, *CONTROL_PLANE) if status(tool).found is None]
    if absent:
        pytest.skip(f"not built on this machine: {', '.join(absent)} (run ./ggi sandbox start)")


@pytest.fixture(scope="session")
def sandbox_cluster(tools: None) -> SandboxCluster:
    """The sandbox for tests, started when needed."""
    name = os.environ.get("GGI_TEST_SANDBOX", SANDBOX)
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", "start", "--name", name, "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode != 0:
        pytest.fail(f"the sandbox does not start: {done.stderr}")
    answer = json.loads(done.stdout)
    kubeconfig = Path(answer["kubeconfig"])
    return SandboxCluster(kubeconfig, answer["context"], KubeApi.from_kubeconfig(kubeconfig, answer["context"]))


@pytest.fixture
def pulumi_project(sandbox_cluster: SandboxCluster, tmp_path: Path) -> Iterator[Callable[..., Project]]:
    """Make scratch projects, each with its own state, plugin folder and namespace (deleted after the test)."""
    found = status(PULUMI).found
    assert found is not None
    made: list[Project] = []

    def make(**provider: Any) -> Project:
        folder = tmp_path / f"project {len(made)}"  # a space, because users have them
        folder.mkdir()
        runtime = {"name": "python", "options": {"virtualenv": sys.prefix}}
        description = {"name": "scratch", "runtime": runtime, "options": {"refresh": "always"}}
        (folder / "Pulumi.yaml").write_text(json.dumps(description), encoding="utf-8")
        (folder / "__main__.py").write_text(PROGRAM, encoding="utf-8")
        env = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "KUBE"))}
        env |= {
            "PATH": f"{found.path.parent}{os.pathsep}{env['PATH']}",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": folder.as_uri().replace("%20", " "),
            "PULUMI_CONFIG_PASSPHRASE": "only for tests",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        install(folder / "home")
        settings = {"kubeconfig": str(sandbox_cluster.kubeconfig), "context": sandbox_cluster.context} | provider
        project = Project(folder, env, f"t-{uuid.uuid4().hex[:10]}", settings)
        made.append(project)
        project.run("stack", "init", "dev")
        return project

    yield make
    for project in made:
        sandbox_cluster.api.delete("v1", "Namespace", project.namespace)


@pytest.fixture(scope="session")
def place(request: pytest.FixtureRequest, tools: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A running sandbox with all state in a temporary folder, and an empty inventory."""
    found = Place(tmp_path_factory.mktemp("a place"))  # a space, because users have them
    found.prepare()
    found.ggi("sandbox", "start", timeout=900)
    request.session.stash[RUNNING] = found
    yield found
    found.close()


def _group(item: pytest.Item) -> object:
    """What shares a process with the test."""
    mark = item.get_closest_marker("xdist_group")
    return mark and mark.args


@pytest.hookimpl(trylast=True)  # after the fixtures that still need it
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Stop the sandbox when what shares it is over: idle it would take a tenth of a core, and more than 1 GB."""
    if nextitem is None or _group(nextitem) == _group(item) or "place" in getattr(nextitem, "fixturenames", ()):
        return
    if found := item.session.stash.get(RUNNING, None):
        found.close()
        del item.session.stash[RUNNING]


@pytest.fixture(scope="session")
def stack(place: Place) -> str:
    """A little landscape in acceptatie that is up. Many tests share it: who changes it puts it back."""
    name = place.tenant("GM9971")
    place.up(name)
    return name
