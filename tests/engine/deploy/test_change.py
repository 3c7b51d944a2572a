"""Upgrades and downgrades: exactly what differs is changed, and what is replaced is removed afterwards."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ggi.engine.kubeapi import Object
from ggi.landscape.build import Landscape
from tests.engine.deploy.place import Place, differing

pytestmark = pytest.mark.timeout(900)

Objects = dict[tuple[str, str], Object]


@dataclass
class Upgraded:
    """A landscape before and after it went from 2026.3 to 2026.4, together with a change of its configuration."""

    stack: str
    old: Landscape
    new: Landscape
    before: Objects
    after: Objects
    preview: dict[str, str]
    steps: dict[str, str]

    def names(self, kind: str, *, after: bool = True) -> set[str]:
        return {name for k, name in (self.after if after else self.before) if k == kind}


@pytest.fixture(scope="module")
def upgraded(place: Place) -> Upgraded:
    stack = place.tenant("GM9951")
    place.up(stack)
    old, before = place.landscape(stack), place.objects(stack)
    # Another host name is in Open Klant's ConfigMap, in its certificate, its route and the gateway.
    place.tenant("GM9951", release="2026.4", components={"openklant": {"host": "klanten.gm9951.test"}})
    new = place.landscape(stack)
    preview = place.changes(stack)
    steps = place.changes(stack, "up")
    return Upgraded(stack, old, new, before, place.objects(stack), preview, steps)


def test_only_what_must_change_is_changed(upgraded: Upgraded) -> None:
    wanted = differing(upgraded.old, upgraded.new)
    assert {"openklant/Deployment/web", "openklant/Job/migrate", "platform/Namespace/main"} <= wanted
    assert set(upgraded.steps) == wanted
    assert "redis/StatefulSet/server" not in upgraded.steps and "postgresql/Cluster/main" not in upgraded.steps


def test_the_preview_said_so(upgraded: Upgraded) -> None:
    assert upgraded.preview == upgraded.steps


def test_a_changed_config_map_has_a_new_name_and_the_old_one_is_gone(upgraded: Upgraded) -> None:
    old = {n for n in upgraded.names("ConfigMap", after=False) if n.startswith("openklant-env-")}
    new = {n for n in upgraded.names("ConfigMap") if n.startswith("openklant-env-")}
    assert len(old) == len(new) == 1 and old != new
    web = upgraded.after["Deployment", "openklant-web"]
    used = [
        s["configMapRef"]["name"]
        for s in web["spec"]["template"]["spec"]["containers"][0]["envFrom"]
        if "configMapRef" in s
    ]
    assert set(used) == new


def test_the_deployments_rolled_and_the_database_was_left_alone(upgraded: Upgraded) -> None:
    for name in ("openklant-web", "openklant-worker"):
        old, new = upgraded.before["Deployment", name], upgraded.after["Deployment", name]
        assert new["metadata"]["uid"] == old["metadata"]["uid"], "rolled, not replaced"
        assert new["spec"]["template"] != old["spec"]["template"]
        assert new["status"]["observedGeneration"] == new["metadata"]["generation"] > 1
        assert new["status"]["updatedReplicas"] == new["spec"]["replicas"] == new["status"]["readyReplicas"]
    for key in (("Cluster", "postgresql"), ("StatefulSet", "redis-server")):
        found = [k for k in upgraded.before if k[0] == key[0]]
        for each in found:
            assert upgraded.after[each]["spec"] == upgraded.before[each]["spec"]
            assert upgraded.after[each]["metadata"]["uid"] == upgraded.before[each]["metadata"]["uid"]


def test_jobs_are_new_and_the_old_ones_are_gone(upgraded: Upgraded) -> None:
    old, new = upgraded.names("Job", after=False), upgraded.names("Job")
    changed = {n.rpartition("-")[0] for n in old ^ new}
    assert any(n.startswith("openklant-migrate") for n in new - old)
    assert len(new) == len(old)
    assert changed == {n.rpartition("-")[0] for n in old - new} == {n.rpartition("-")[0] for n in new - old}
    assert all(c["status"] == "True" for n in new for c in upgraded.after["Job", n]["status"]["conditions"])


def test_the_namespace_tells_the_running_release(upgraded: Upgraded, place: Place) -> None:
    status = place.ggi("status", upgraded.stack, "--sandbox", "--json").json
    assert status["release"] == {"wanted": "2026.4", "running": "2026.4"} and status["ready"] is True


def test_an_older_release_is_refused_with_file_and_line_until_it_is_asked_for(upgraded: Upgraded, place: Place) -> None:
    stack = place.tenant("GM9951", release="2026.3", components={"openklant": {"host": "klanten.gm9951.test"}})
    before = place.objects(stack)
    ran = place.up(stack, code=2)
    lines = (place.inventory / "tenants" / "gm9951.yaml").read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if text.startswith("environments:"))
    assert f"tenants/gm9951.yaml:{line}: error: {stack} runs release 2026.4; 2026.3 is older" in ran.err
    assert "--downgrade" in ran.err
    plain = place.pulumi(stack, "up", "--yes", "--skip-preview", code=1)
    assert f"{stack} runs release 2026.4; 2026.3 is older" in plain.text
    now = place.objects(stack)
    assert {k: o["metadata"].get("generation") for k, o in now.items()} == {
        k: o["metadata"].get("generation") for k, o in before.items()
    }
    place.up(stack, "--downgrade")
    assert place.ggi("status", stack, "--sandbox", "--json").json["release"]["running"] == "2026.3"
    assert place.changes(stack) == {}
