"""A sandbox with real nodes, for all tests that need one: pods run, operators work, policies hold."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ggi.engine.kubeapi import KubeApi
from ggi.paths import ROOT
from sandbox.node.programs import obstacles

SANDBOX = "tests-node"
CLUSTER = "midden-prod"
"""The cluster of the example region that the sandbox stands in for."""

ATTACH = "GGI_TEST_NODES"
"""`STATE/NAME` of a sandbox with real nodes that runs already: for whoever writes these tests."""


@dataclass(frozen=True)
class RealNodes:
    """A running sandbox with real nodes."""

    name: str
    state: Path
    api: KubeApi
    attached: bool = False
    """Whether it ran before, and goes on afterwards."""

    @property
    def kubeconfig(self) -> Path:
        """Of its administrator."""
        return self.folder / "kubeconfig"

    @property
    def folder(self) -> Path:
        """Its files."""
        return self.state / "sandbox" / self.name

    def ggi(self, *words: str, timeout: int = 600) -> subprocess.CompletedProcess[str]:
        """A command about it, in English."""
        command = [sys.executable, "-m", "ggi", *words]
        environment = _environment(self.state, self.name) | {"GGI_LANG": "en", "LC_ALL": "C.UTF-8"}
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=timeout
        )


@pytest.fixture(scope="session")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealNodes]:
    """The sandbox, started for these tests and ended after them; skips with the reason where there can be none."""
    if why_not := obstacles():
        pytest.skip(f"no real node on this machine: {'; '.join(why_not)}")
    if running := os.environ.get(ATTACH):
        state, name = Path(running).parent, Path(running).name
        os.environ["GGI_STATE_HOME"] = str(state)
        with KubeApi.from_kubeconfig(state / "sandbox" / name / "kubeconfig") as api:
            yield RealNodes(name, state, api, attached=True)
        return
    state = tmp_path_factory.mktemp("state")
    before = os.environ.get("GGI_STATE_HOME")
    os.environ["GGI_STATE_HOME"] = str(state)
    from ggi.app.workspace import Workspace
    from sandbox.controlplane import reset
    from sandbox.controlplane import start as begin
    from sandbox.platform import offers_of

    offers = offers_of(Workspace().owner(f"cluster-{CLUSTER}"))
    try:
        found = begin(SANDBOX, print, offers=offers, real=True)
        with found.api() as api:
            yield RealNodes(SANDBOX, state, api)
    finally:
        reset(SANDBOX)
        if before is None:
            del os.environ["GGI_STATE_HOME"]
        else:
            os.environ["GGI_STATE_HOME"] = before


def _environment(state: Path, name: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GGI_") or key == "GGI_CACHE_HOME"}
    return kept | {"GGI_STATE_HOME": str(state), "GGI_SANDBOX": name}
