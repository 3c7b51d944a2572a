"""The Cookbook beside real parts: Ansible, which carries its plans, and Microsoft's own types as npm gives them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ggi.cookbook.reading import Ref
from ggi.cookbook.runner import RunnerSteps, read_result
from ggi.paths import ROOT
from sandbox.graph.contract import FILE
from sandbox.graph.derive import PACKAGE, VERSION, derived, parse
from sandbox.graph.server import make_token
from tests.unit.m365.place import World, book, server


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A fresh tenant, over the wire."""
    return World(tmp_path, wire=True)


def test_the_committed_contract_is_derived_from_the_pinned_package() -> None:
    """Fetches Microsoft's package with npm; skipped where npm or the registry is not there."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not on this machine")
    folder = Path(subprocess.run(["npm", "config", "get", "cache"], capture_output=True, text=True).stdout.strip())
    work = folder / "ggi-graph-types"
    work.mkdir(parents=True, exist_ok=True)
    packed = list(work.glob(f"*{VERSION}.tgz"))
    if not packed:
        got = subprocess.run(
            ["npm", "pack", "--silent", f"{PACKAGE}@{VERSION}"], cwd=work, capture_output=True, timeout=120
        )
        if got.returncode:
            pytest.skip("the npm registry does not answer")
        packed = list(work.glob(f"*{VERSION}.tgz"))
    text = subprocess.run(
        ["tar", "xzOf", str(packed[0]), "package/microsoft-graph.d.ts"], capture_output=True, text=True, check=True
    ).stdout
    made = derived(text)
    committed = json.loads(FILE.read_text(encoding="utf-8"))
    again = "run: python -m sandbox.graph.derive"
    assert committed["types"] == made["types"], again
    assert committed["enums"] == made["enums"], again
    # What `plan --impact` reads is in no type of the contract, since nothing writes it.
    types, _ = parse(text)
    for name, fields in {
        "signIn": {"createdDateTime", "userId", "clientAppUsed", "appliedConditionalAccessPolicies"},
        "appliedConditionalAccessPolicy": {"displayName", "result"},
        "userRegistrationDetails": {"isMfaRegistered"},
        "user": {"mail", "userPrincipalName", "userType"},
    }.items():
        assert fields <= set(types[name]["fields"])


def test_the_role_carries_a_plan_to_a_host_and_brings_the_result_back(world: World) -> None:
    """With Ansible itself against this machine, and the stand-in in the place of pwsh."""
    plan = RunnerSteps(book()).document("read", [RunnerSteps(book()).read(0, Ref("teams/meetingPolicy", "Global"))])
    (world.folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    shim = world.folder / "pwsh"
    token = make_token(world.tenant, delegated=True)[0]
    shim.write_text(
        f"#!/bin/sh\nexport GGI_STAND_IN={server().url} GGI_STAND_IN_TOKEN={token} PYTHONPATH='{ROOT}:{ROOT}/src'\n"
        f"exec '{sys.executable}' -m sandbox.graph.pwsh \"$@\"\n",
        encoding="utf-8",
    )
    shim.chmod(0o700)
    variables = {
        "m365_runner_plan": str(world.folder / "plan.json"),
        "m365_runner_result": str(world.folder / "result.json"),
        "m365_runner_folder": str(world.folder / "host"),
        "m365_runner_pwsh": str(shim),
        "ansible_python_interpreter": sys.executable,
    }
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "-c", "local"]
    command += [str(ROOT / "roles" / "m365.yml"), "-e", json.dumps(variables)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    result = read_result((world.folder / "result.json").read_text(encoding="utf-8"))
    assert result["runner"] == {"program": "stand-in"}
    assert result["results"][0]["objects"][0]["values"]["AllowCloudRecording"] is True
    left = {path.name for path in (world.folder / "host").iterdir()}
    assert left == {"Invoke-CookbookPlan.ps1", "allowed.json"}


def test_a_run_that_is_killed_with_nine_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """The command itself, in a process of its own: no handler runs, no file is closed."""
    environment = {**os.environ, "GGI_STATE_HOME": str(tmp_path / "state"), "GGI_LANG": "en", "PYTHONUNBUFFERED": "1"}
    ggi = [sys.executable, "-m", "ggi", "m365"]
    apply = [*ggi, "apply", "m365-rijnstad", "--sandbox", "--stage", "apply", "--yes"]
    process = subprocess.Popen(
        apply, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    seen = 0
    for line in process.stderr:
        seen += line.startswith("written and seen")
        if seen == 7:
            process.kill()
            break
    assert process.wait() == -signal.SIGKILL

    again = subprocess.run(apply, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert "stopped with" in again.stderr and "going on" in again.stderr
    check = [*ggi, "check", "m365-rijnstad", "--sandbox"]
    found = subprocess.run(check, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert "55 recipes comply, 0 differ" in found.stdout
    (journal,) = (tmp_path / "state" / "m365").rglob("journal.json")
    data = json.loads(journal.read_text(encoding="utf-8"))
    assert data["run"] == {}
    policy = data["adopted"]["entra/authorizationPolicy"]["before"]
    assert policy["allowInvitesFrom"] == "everyone", "what was there before the first run, not before the second"
