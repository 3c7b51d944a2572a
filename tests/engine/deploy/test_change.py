"""Upgrades, downgrades and rotations: exactly what differs is changed, and what is replaced is removed afterwards."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ggi.engine.kubeapi import Object
from ggi.landscape.build import Landscape
from tests.engine.deploy.place import Place, Ran

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

Objects = dict[tuple[str, str], Object]


def differing(old: Landscape, new: Landscape) -> set[str]:
    """The logical names of what two landscapes have differently, without asking the engine."""
    before = {o.name: (o.body, dict(o.secrets)) for o in old.objects}
    after = {o.name: (o.body, dict(o.secrets)) for o in new.objects}
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


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


class TestRotation:
    """Its steps: the accepting sides take both first, then the consumers roll, then the old one goes."""

    STACK = "gm9952-accp"

    def secrets(self, place: Place) -> dict[str, str]:
        """The names of our Secrets by what is before the counter."""
        names = [n for k, n in place.objects(self.STACK) if k == "Secret" and "-r" in n]
        return {n.rpartition("-r")[0]: n for n in names}

    def rotated(self, place: Place, current: int, accept: list[int]) -> tuple[set[str], set[str], Ran]:
        """Rotate; returns the logical names that should have changed and that did."""
        old = place.landscape(self.STACK)
        place.tenant("GM9952", environment={"rotation": {"current": current, "accept": accept}})
        wanted = differing(old, place.landscape(self.STACK))
        ran = place.up(self.STACK, "--json")
        return wanted, {s["name"] for s in ran.json["steps"]}, ran

    def test_a_rotation_renames_secrets_and_rolls_consumers_and_nothing_else(self, place: Place) -> None:
        place.tenant("GM9952")
        place.up(self.STACK)
        first, before = self.secrets(place), place.objects(self.STACK)
        assert first and all("-r1-" in name for name in first.values())

        wanted, did, _ = self.rotated(place, 1, [2])
        assert did == wanted
        assert "openklant/Deployment/web" not in did, "consumers do not roll before both are accepted"
        assert "redis/Secret/users" in did

        wanted, did, _ = self.rotated(place, 2, [1])
        assert did == wanted and "openklant/Deployment/web" in did
        second, now = self.secrets(place), place.objects(self.STACK)
        env = [name for name in second.values() if name.startswith("openklant-env")]
        assert len(env) == 1 and "-r2-" in env[0]
        web = now["Deployment", "openklant-web"]
        used = str(web["spec"]["template"])
        assert env[0] in used and first["openklant-env"] not in used
        assert ("Secret", first["openklant-env"]) not in now, "the old one is removed afterwards"
        untouched = [k for k in before if k[0] in ("Service", "NetworkPolicy", "StatefulSet", "Gateway", "HTTPRoute")]
        for key in untouched:
            assert now[key]["metadata"].get("generation") == before[key]["metadata"].get("generation"), key

        wanted, did, _ = self.rotated(place, 2, [])
        assert did == wanted
        assert "openklant/Deployment/web" not in did
        assert place.changes(self.STACK) == {}
        assert place.ggi("status", self.STACK, "--sandbox", "--json").json["ready"] is True
