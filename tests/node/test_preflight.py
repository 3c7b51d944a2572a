"""A preflight of a cluster that really runs pods: what it says when all is well, and what when something is not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ggi.paths import ROOT
from tests.nodes import CLUSTER, RealNodes

Rows = dict[str, dict[str, Any]]


def rows(nodes: RealNodes, *options: str) -> tuple[int, Rows]:
    done = nodes.ggi("preflight", CLUSTER, "--sandbox", "--yes", "--json", *options)
    assert done.stdout, done.stderr
    return done.returncode, {row["check"]: row for row in json.loads(done.stdout)["rows"]}


def left(nodes: RealNodes) -> list[str]:
    return [
        item["metadata"]["name"]
        for item in nodes.api.list("v1", "Namespace", labels="ggi/preflight")
        if not item["metadata"].get("deletionTimestamp")
    ]


def programs(name: str, folder: Path) -> list[int]:
    """Processes of a program with the folder of this sandbox among its words."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if Path(os.fsdecode(words[0])).name == name and any(os.fsencode(folder) in word for word in words):
                found.append(int(entry.name))
    return found


@contextmanager
def stopped(processes: list[int]) -> Iterator[None]:
    assert processes
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in processes:
            os.kill(pid, signal.SIGCONT)


def test_a_cluster_that_has_everything_passes_and_keeps_nothing(nodes: RealNodes) -> None:
    code, found = rows(nodes, "--volumes")
    wrong = {name: row for name, row in found.items() if row["outcome"] in ("wrong", "not read")}
    assert (wrong, code) == ({}, 0)
    tried = {name for name, row in found.items() if name.startswith("tried/") and row["outcome"] == "well"}
    assert tried >= {f"tried/{name}" for name in ("ingress", "egress", "edges", "pod-security", "volume/block")}
    assert left(nodes) == []


def test_policies_that_nobody_enforces_are_found(nodes: RealNodes) -> None:
    with stopped(programs("kube-router", nodes.folder)):
        code, found = rows(nodes)
    assert code == 1
    assert {name: found[f"tried/{name}"]["outcome"] for name in ("ingress", "egress")} == {
        "ingress": "wrong",
        "egress": "wrong",
    }


def test_a_preflight_that_is_ended_removes_its_namespace(nodes: RealNodes) -> None:
    process = begin(nodes)
    process.send_signal(signal.SIGTERM)
    process.wait(120)
    assert process.returncode != 0
    assert left(nodes) == []


def test_what_a_killed_preflight_left_goes_with_the_next(nodes: RealNodes) -> None:
    process = begin(nodes)
    process.kill()
    process.wait(30)
    assert left(nodes)
    rows(nodes)
    assert left(nodes) == []


def test_nothing_is_made_without_leave(nodes: RealNodes) -> None:
    done = nodes.ggi("preflight", CLUSTER, "--sandbox", "--read-only", "--json")
    found = {row["check"]: row["outcome"] for row in json.loads(done.stdout)["rows"]}
    assert (done.returncode, found["tried"]) == (0, "not tried")
    assert "create" not in done.stderr
    refused = nodes.ggi("preflight", CLUSTER, "--sandbox")
    assert (refused.returncode != 0, "create, delete: namespaces" in refused.stderr) == (True, True)


def begin(nodes: RealNodes) -> subprocess.Popen[str]:
    """A preflight at work: its namespace is there."""
    environment = {**os.environ, "GGI_STATE_HOME": str(nodes.state), "GGI_SANDBOX": nodes.name}
    command = [sys.executable, "-m", "ggi", "preflight", CLUSTER, "--sandbox", "--yes"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True
    )
    give_up = time.monotonic() + 120
    while not left(nodes):
        assert process.poll() is None
        assert time.monotonic() < give_up
        time.sleep(0.2)
    return process
