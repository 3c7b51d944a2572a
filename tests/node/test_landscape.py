"""A small landscape on real nodes, of what a case passes on its way; tests/life asks the same of a whole one."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

import pytest

from ggi.app.verifying import try_out
from ggi.app.workspace import Workspace
from ggi.catalogue.release import probe_image
from ggi.landscape.checks import Check, pairs
from tests.living import CASE, Running, alive, listen_in, subscribe, told, until
from tests.nodes import RealNodes

pytestmark = pytest.mark.timeout(2400)

STACK = "gm9904-test"
SMALL = {name: {"enabled": False} for name in ("openklant", "openobject", "openformulieren")}


CLOSED = 12321
"""A port that no component has."""


class Lives:
    """Its tests ask for a fixture `life`."""

    def test_every_pod_runs_and_stays(self, life: Running) -> None:
        pods = life.pods()
        assert len(pods) >= len(
            [item for item in life.built.objects if item.kind in ("Deployment", "StatefulSet", "Cluster")]
        )
        for pod in pods:
            statuses = pod["status"]["containerStatuses"]
            assert all(s["ready"] for s in statuses), pod["metadata"]["name"]
            if not life.nodes.attached:
                assert all(s["restartCount"] == 0 for s in statuses), pod["metadata"]["name"]
        said = json.loads(life.ggi("status", life.stack, "--sandbox", "--json").stdout)
        assert {component["state"] for component in said["components"]} == {"ready"}

    def test_everything_that_should_work_works_and_a_stranger_is_refused(self, life: Running) -> None:
        said = json.loads(life.ggi("verify", life.stack, "--sandbox", "--json").stdout)
        assert said["well"]
        left = life.nodes.api.list("v1", "Pod", life.space, labels="ggi/probe")
        assert not left
        told(f"{len(said['checks'])} checks, {sum(c['refused'] for c in said['checks'])} of them refused")

    def test_the_kernel_allows_what_the_drawing_says_and_nothing_else(self, life: Running) -> None:
        built = life.built
        found = pairs(built)
        addresses = {
            (
                p["metadata"]["labels"]["app.kubernetes.io/name"],
                p["metadata"]["labels"]["app.kubernetes.io/component"],
            ): p
            for p in life.pods()
            if "app.kubernetes.io/component" in p["metadata"]["labels"]
        }
        sources = sorted({check.source for check in found})
        with contextlib.ExitStack() as opened:
            closed = []
            for target in sources:
                pod = addresses[target]
                listen_in(pod, CLOSED, opened)
                details = {"host": pod["status"]["podIP"], "port": CLOSED}
                closed += [
                    Check(f"{'/'.join(source)}->{'/'.join(target)}:{CLOSED}", source, target[0], details, refused="tcp")
                    for source in sources
                    if source != target
                ]
            workspace = Workspace(life.inventory)
            image = probe_image([workspace.catalogue.releases[built.environment.release]], built.environment.cluster)
            rows = try_out(life.nodes.api, built, [*found, *closed], image, lambda line: None)
        wrong = [f"{row.check.id}: {row.step} {row.seen}" for row in rows if not row.well]
        assert not wrong, "\n".join(wrong)
        allowed = sum(not row.check.refused for row in rows)
        told(f"{len(rows)} connections tried: {allowed} allowed, {len(rows) - allowed} dropped")
        assert 0 < allowed < len(found) and len(closed) == len(sources) * (len(sources) - 1)

    def test_an_audit_finds_nothing_that_is_not_planned(self, life: Running) -> None:
        said = life.nodes.ggi(
            "--inventory", str(life.inventory), "audit", life.stack, "--from", "live", "--sandbox", "--json"
        )
        (audit,) = json.loads(said.stdout)
        found = [f for f in audit["findings"] if f["control"].startswith("INT-") and f["outcome"] == "FAIL"]
        assert found == []
        assert {f["control"] for f in audit["findings"] if f["outcome"] == "PASS"} >= {"INT-001", "INT-004"}

    def test_a_case_becomes_a_notification_that_a_subscriber_receives(self, life: Running) -> None:
        subscribe(life)
        before = life.counts("opennotificaties")
        for _ in range(3):
            answer = life.ask("POST", "openzaak", "/zaken/api/v1/zaken", json=CASE, headers=life.caller())
            assert answer.status_code == 201, answer.text
        until(lambda: life.counts("opennotificaties")["received"] >= before["received"] + 3, "nothing arrived")
        after = life.counts("opennotificaties")
        assert {k: after[k] - before[k] for k in ("accepted", "delivered", "received")} == dict.fromkeys(
            ("accepted", "delivered", "received"), 3
        )


def taken_down(life: Running) -> None:
    """`down` leaves nothing of it."""
    if life.nodes.attached:
        pytest.skip("the sandbox that runs is left as it is")
    life.ggi("down", life.stack, "--sandbox", "--yes")
    until(lambda: life.nodes.api.find("v1", "Namespace", life.space) is None, "the namespace stays")


@pytest.fixture(scope="module")
def life(nodes: RealNodes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The landscape."""
    with alive(nodes, STACK, tmp_path_factory.mktemp("landscape"), components=SMALL) as found:
        yield found


class TestSmallLandscape(Lives):
    """All of it."""


def test_down_leaves_nothing(life: Running) -> None:
    taken_down(life)
