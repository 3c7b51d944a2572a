"""A landscape under load while something of it is killed, its secrets rotate, and a newer release comes.

A small one, of what a case passes on its way: two processors start the thirty pods of a whole one too slowly to say
anything about a rotation. The tests are in the order of its life, and each leaves it whole for the next.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from tests.living import RIGHTS, Load, Running, alive, subscribe, told, until
from tests.node.test_landscape import taken_down
from tests.nodes import RealNodes

pytestmark = pytest.mark.timeout(2400)

STACK = "gm9904-accp"
ARRIVES = 0.9
"""Share of the notifications that must arrive whatever is killed. How many were lost is told: a worker acknowledges a
task when it takes it (celery, `task_acks_late` is off by default), so what a killed worker had in hand is gone."""
REDIS_SECONDS = 90
"""In which a changed list of Redis users reaches its pod (docs/en/secrets.md)."""
BEFORE, AFTER = "2026.3", "2026.4"
SMALL = {name: {"enabled": False} for name in ("openklant", "openobject")} | {
    name: {"replicas": 2} for name in ("openzaak", "opennotificaties", "openformulieren", "keycloak")
}


@pytest.fixture(scope="module")
def life(nodes: RealNodes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The landscape in the older release, with a subscription to cases."""
    folder = tmp_path_factory.mktemp("small")
    with alive(
        nodes, STACK, folder, release=BEFORE, components={**SMALL, "openzaak": SMALL["openzaak"] | RIGHTS["openzaak"]}
    ) as found:
        subscribe(found)
        yield found


@pytest.fixture(scope="module")
def rate(life: Running) -> float:
    """Cases a second that this machine takes when nothing happens: each is stored and becomes a notification."""
    load = Load(life, rate=0)
    with load.running():
        time.sleep(20)
    assert load.answers["201"] and not load.failed, load
    told(f"sustained: {load}")
    return load.answers["201"] / load.seconds


def settled(life: Running) -> None:
    """Wait until every workload is as many as it should be, and all notifications are delivered."""

    def ready() -> bool:
        said = life.nodes.ggi("--inventory", str(life.inventory), "status", STACK, "--sandbox", "--json")
        return said.returncode == 0

    until(ready, "the landscape does not come back", 420)
    until(lambda: life.counts("opennotificaties")["due"] == 0, "notifications are not delivered", 240)


def hurt(life: Running, rate: float, what: str, kill: Callable[[], None], seconds: float) -> Load:
    """What becomes of the load, at just under half of what is sustained, while something is killed."""
    settled(life)
    before = life.counts("opennotificaties")
    load = Load(life, rate=rate * 0.45)
    with load.running():
        time.sleep(5)
        kill()
        time.sleep(seconds)
    settled(life)

    def received() -> int:
        return life.counts("opennotificaties")["received"] - before["received"]

    # What could not be sent is sent again, after 3, 6, 12, 24 and 48 seconds (notifications-api-common).
    end = time.monotonic() + 180
    while (arrived := received()) < len(load.kept) and time.monotonic() < end:
        time.sleep(3)
    said = f"{what}: {load}; {load.failed} without an answer, {load.lost()} cases lost"
    told(f"{said}, {len(load.kept) - arrived} of {len(load.kept)} notifications lost")
    assert load.lost() == 0, said
    assert arrived >= len(load.kept) * ARRIVES, said
    return load


def test_a_component_is_killed_and_no_case_is_lost(life: Running, rate: float) -> None:
    def kill() -> None:
        for name in ("openzaak", "opennotificaties"):
            for process in ("web", "worker"):
                pod = next(p for p in life.pods() if p["metadata"]["name"].startswith(f"{name}-{process}-"))
                life.nodes.api.delete("v1", "Pod", pod["metadata"]["name"], life.space, grace_seconds=0)

    hurt(life, rate, "a pod of each process", kill, 20)


def test_the_primary_of_postgresql_is_killed_and_no_case_is_lost(life: Running, rate: float) -> None:
    def primary() -> str:
        found = life.nodes.api.get("postgresql.cnpg.io/v1", "Cluster", "postgresql", life.space)
        return str(found["status"]["currentPrimary"])

    def kill() -> None:
        life.nodes.api.delete("v1", "Pod", primary(), life.space, grace_seconds=0)

    hurt(life, rate, "the primary of PostgreSQL", kill, 45)


def test_a_node_loses_its_power_and_no_case_is_lost(life: Running, rate: float) -> None:
    nodes = life.real()
    if len(nodes.all) < 2:
        pytest.skip("one node here: a machine with two processors and 12 GB of memory has two")

    def kill() -> None:
        pid = nodes.pid(nodes.all[-1].name)
        assert pid
        os.kill(pid, signal.SIGKILL)
        time.sleep(75)
        life.ggi("sandbox", "start", "--real")

    hurt(life, rate, "a node", kill, 20)


def test_a_rotation_fails_no_request(life: Running, rate: float) -> None:
    load = Load(life, rate=rate * 0.3)
    with load.running():
        for rotation in ({"current": 1, "accept": [2]}, {"current": 2, "accept": [1]}, {"current": 2}):
            life.write(rotation=rotation)
            life.up()
            load.rotated()
            time.sleep(REDIS_SECONDS)
    told(f"rotation: {load}")
    assert not load.failed and not load.lost()
    settled(life)


def test_an_upgrade_loses_nothing(life: Running, rate: float) -> None:
    load = Load(life, rate=rate * 0.3)
    with load.running():
        life.write(release=AFTER)
        life.up()
    settled(life)
    told(f"upgrade {BEFORE} -> {AFTER}: {load}; {load.failed} without an answer, {load.lost()} cases lost")
    assert load.lost() == 0
    said = json.loads(life.ggi("status", STACK, "--sandbox", "--json").stdout)
    assert said["release"] == {"wanted": AFTER, "running": AFTER}
    assert json.loads(life.ggi("verify", STACK, "--sandbox", "--json").stdout)["well"]


def test_down_leaves_nothing(life: Running) -> None:
    taken_down(life)
