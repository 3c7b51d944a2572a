"""The stand-in for the Python language host, and how both plugins end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ggi.paths import ROOT
from tests.engine.conftest import Project, SandboxCluster

pytestmark = pytest.mark.timeout(300)

Make = Callable[..., Project]


def config_map(project: Project, **annotations: str) -> dict[str, object]:
    metadata = {"name": "gate", "namespace": project.namespace, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"open": "no"}}


def program(project: Project, text: str) -> None:
    (project.folder / "__main__.py").write_text(text, encoding="utf-8")


def below(folder: Path) -> list[int]:
    """Processes whose environment says that they belong to the project in `folder`."""
    mark = f"PULUMI_HOME={folder / 'home'}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_a_program_gets_its_stack_configuration_and_secrets(pulumi_project: Make) -> None:
    project = pulumi_project()
    program(
        project,
        "import pulumi\n"
        "c = pulumi.Config()\n"
        "about = [pulumi.get_stack(), pulumi.get_project(), c.require('plain'), pulumi.runtime.is_dry_run()]\n"
        "pulumi.export('seen', about)\n"
        "pulumi.export('hidden', c.require_secret('word'))\n",
    )
    project.run("config", "set", "plain", "value", "--stack=dev")
    project.run("config", "set", "--secret", "word", "canary-77", "--stack=dev")
    assert "canary-77" not in project.up() + project.stack_file()
    outputs = json.loads(project.run("stack", "output", "--json", "--show-secrets", "--stack=dev"))
    assert outputs == {"seen": ["dev", "scratch", "value", False], "hidden": "canary-77"}


def test_a_run_error_is_shown_without_a_traceback(pulumi_project: Make) -> None:
    project = pulumi_project()
    program(project, "import pulumi\nraise pulumi.RunError('the tenant is missing')\n")
    written = project.up(fails=True)
    assert "the tenant is missing" in written
    assert "Traceback" not in written


def test_an_exception_shows_the_programs_own_frames_alone(pulumi_project: Make) -> None:
    project = pulumi_project()
    program(project, "def inner():\n    raise KeyError('zaak')\ninner()\n")
    written = project.up(fails=True)
    assert "KeyError: 'zaak'" in written
    assert "__main__.py" in written
    assert "runpy" not in written
    assert "program.py" not in written


def test_a_policy_pack_is_started_and_stops_an_update(pulumi_project: Make) -> None:
    project = pulumi_project()
    program(project, "import pulumi\npulumi.ComponentResource('demo:index:Thing', 'thing')\n")
    pack = project.folder / "pack"
    pack.mkdir()
    runtime = {"name": "python", "options": {"virtualenv": sys.prefix}}
    (pack / "PulumiPolicy.yaml").write_text(json.dumps({"runtime": runtime, "version": "0.0.1"}), encoding="utf-8")
    (pack / "__main__.py").write_text(
        "from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy\n"
        "def check(args, report):\n"
        "    if args.resource_type == 'demo:index:Thing':\n"
        "        report('things are not allowed')\n"
        "PolicyPack('pack', enforcement_level=EnforcementLevel.MANDATORY, policies=[\n"
        "    ResourceValidationPolicy(name='no-things', description='No things.', validate=check)])\n",
        encoding="utf-8",
    )
    written = project.run("preview", "--policy-pack", str(pack), "--stack=dev", fails=True)
    assert "things are not allowed" in written


def test_the_launchers_work_from_a_path_with_a_space(tmp_path: Path) -> None:
    checkout = tmp_path / "a check out"
    (checkout / "sandbox").mkdir(parents=True)
    shutil.copytree(ROOT / "sandbox" / "plugins", checkout / "sandbox" / "plugins")
    (checkout / ".venv").symlink_to(sys.prefix)
    for name, version in (("pulumi-language-python", "v3."), ("pulumi-resource-kubernetes", "v4.")):
        launcher = checkout / "sandbox" / "plugins" / name
        done = subprocess.run([launcher, "--version"], capture_output=True, text=True, check=True, cwd=tmp_path)
        assert done.stdout.startswith(version)


def started(project: Project, sandbox_cluster: SandboxCluster) -> subprocess.Popen[bytes]:
    """Start an update that waits for what never comes, and return when it waits."""
    metadata = {"name": project.namespace}
    project.add("namespace", {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    project.add("gate", config_map(project, **{"pulumi.com/waitFor": "jsonpath={.data.open}=yes"}), ("namespace",))
    project.write()
    command = ["pulumi", "up", "--yes", "--skip-preview", "--stack=dev", "--non-interactive"]
    running = subprocess.Popen(
        command, cwd=project.folder, env=project.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and running.poll() is None:
        if sandbox_cluster.api.find("v1", "ConfigMap", "gate", project.namespace):
            return running
        time.sleep(0.1)
    running.kill()
    pytest.fail("the update did not get as far as the ConfigMap")


def test_both_plugins_and_the_program_end_when_the_engine_is_killed(
    pulumi_project: Make, sandbox_cluster: SandboxCluster
) -> None:
    project = pulumi_project()
    running = started(project, sandbox_cluster)
    assert len(below(project.folder)) >= 3
    running.kill()
    running.wait()
    deadline = time.monotonic() + 10
    while below(project.folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert below(project.folder) == []


def test_an_interrupt_ends_the_wait_and_the_next_update_goes_on(
    pulumi_project: Make, sandbox_cluster: SandboxCluster
) -> None:
    project = pulumi_project()
    running = started(project, sandbox_cluster)
    os.kill(running.pid, signal.SIGINT)
    assert running.wait(timeout=30) != 0
    assert project.stored("gate")["id"] == f"{project.namespace}/gate"
    project.add("gate", config_map(project), ("namespace",))
    project.up()
    assert project.preview() == {}
