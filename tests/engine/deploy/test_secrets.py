"""Secrets through the engine: a rotation in three updates, and no value of any of them where it does not belong."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ggi.engine.kubeapi import Object
from ggi.engine.secrets import SecretResolver, parse_root_key
from ggi.landscape.build import Landscape
from tests.engine.deploy.place import Place, differing, spelled

pytestmark = pytest.mark.timeout(900)

STEPS = ({"current": 1}, {"current": 1, "accept": [2]}, {"current": 2, "accept": [1]}, {"current": 2})


@dataclass
class Rotated:
    """A stack after every step of a rotation: what was asked, what the engine did, and all that was ever written."""

    stack: str
    key: str = ""
    asked: list[Landscape] = field(default_factory=list)
    steps: list[dict[str, str]] = field(default_factory=list)
    objects: list[dict[tuple[str, str], Object]] = field(default_factory=list)
    live: list[dict[str, str]] = field(default_factory=list)
    """After each step: the values in the cluster's Secrets, by `name/key`."""
    said: str = ""

    @property
    def values(self) -> set[str]:
        """The root key, and every secret that was derived from it in any step."""
        resolver = SecretResolver(parse_root_key(self.key), self.stack)
        refs = {r for built in self.asked for o in built.objects for text in o.secrets.values() for r in text.refs}
        return {self.key} | {resolver.value(ref) for ref in refs}


def secrets_in(place: Place, stack: str) -> dict[str, str]:
    ours = place.api.list("v1", "Secret", stack, labels=f"ggi/stack={stack}")
    return {
        f"{secret['metadata']['name']}/{key}": base64.b64decode(value).decode()
        for secret in ours
        for key, value in secret.get("data", {}).items()
    }


@pytest.fixture(scope="module")
def rotated(place: Place) -> Rotated:
    stack = place.tenant("GM9981")
    found = Rotated(stack)
    for rotation in STEPS:
        place.tenant("GM9981", environment={"rotation": rotation})
        found.asked.append(place.landscape(stack))
        ran = place.up(stack, "--json")
        found.said += ran.text
        found.steps.append({step["name"]: step["op"] for step in ran.json["steps"]})
        found.objects.append(place.objects(stack))
        found.live.append(secrets_in(place, stack))
    # Someone changes a secret by hand: the difference is shown, and taken back.
    name, _, key = next(entry for entry in found.live[-1] if entry.startswith("redis-users/")).partition("/")
    place.api.patch("v1", "Secret", name, {"data": {key: base64.b64encode(b"by hand").decode()}}, namespace=stack)
    found.said += place.ggi("plan", stack, "--json").text
    found.said += place.ggi("preview", stack, "--sandbox").text
    found.said += place.ggi("refresh", stack, "--sandbox", code=1).text
    for words in (("preview", "--diff"), ("up", "--yes", "--diff"), ("stack",), ("stack", "history"), ("config",)):
        found.said += place.pulumi(stack, *words).text
    found.said += place.pulumi(stack, "stack", "export").text
    found.said += place.ggi("status", stack, "--sandbox", "--json").text
    found.key = place.pulumi(stack, "config", "get", "ggi:rootKey").out.strip()
    return found


def test_each_step_changes_exactly_what_the_landscape_has_differently(rotated: Rotated) -> None:
    for number in (1, 2, 3):
        assert set(rotated.steps[number]) == differing(rotated.asked[number - 1], rotated.asked[number]), number


def test_a_consumer_rolls_over_once_and_the_servers_stay(rotated: Rotated) -> None:
    rolled = [n for n in (1, 2, 3) if "openklant/Deployment/web" in rotated.steps[n]]
    assert rolled == [2]
    for number in (1, 2, 3):
        for key, item in rotated.objects[0].items():
            if key[0] in ("Service", "NetworkPolicy", "StatefulSet", "Gateway", "HTTPRoute"):
                now = rotated.objects[number][key]["metadata"]
                assert now.get("generation") == item["metadata"].get("generation"), (number, key)


def test_a_consumer_reads_the_new_secret_and_the_old_one_is_removed(rotated: Rotated) -> None:
    for number, counter in ((1, "r1"), (2, "r2"), (3, "r2")):
        names = [
            name for kind, name in rotated.objects[number] if kind == "Secret" and name.startswith("openklant-env-")
        ]
        assert len(names) == 1 and names[0].startswith(f"openklant-env-{counter}-")
        assert names[0] in str(rotated.objects[number]["Deployment", "openklant-web"]["spec"]["template"])


def test_the_secrets_in_the_cluster_are_the_derived_ones_of_each_step(rotated: Rotated) -> None:
    for built, live in zip(rotated.asked, rotated.live, strict=True):
        resolver = SecretResolver(parse_root_key(rotated.key), rotated.stack)
        wanted = [resolver.text(text) for o in built.objects for text in o.secrets.values()]
        assert len(wanted) > 5 and sorted(wanted) == sorted(live.values())


def test_after_the_last_step_nothing_of_the_first_counter_is_left(rotated: Rotated) -> None:
    resolver = SecretResolver(parse_root_key(rotated.key), rotated.stack)
    refs = {r for o in rotated.asked[0].objects for text in o.secrets.values() for r in text.refs}
    last = {r for o in rotated.asked[-1].objects for text in o.secrets.values() for r in text.refs}
    gone = {resolver.value(ref) for ref in refs - last}
    assert gone and not [name for name, value in rotated.live[-1].items() if any(old in value for old in gone)]
    assert any(old in value for old in gone for value in rotated.live[2].values()), "accepted until the last step"


def written(folder: Path) -> Iterator[Path]:
    """Every file of the place but the cluster's own store, where Secrets live."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and "etcd" not in path.relative_to(folder).parts:
            yield path


def test_no_value_is_in_the_state_its_backups_logs_or_output(rotated: Rotated, place: Place) -> None:
    spellings = [spelling for value in rotated.values for spelling in spelled(value)]
    assert len(spellings) > 30
    assert [spelling for spelling in spellings if spelling in rotated.said] == []
    files = list(written(place.folder))
    assert any(path.name == f"{rotated.stack}.json" for path in files)
    assert any("backups" in path.parts for path in files) and any(path.suffix == ".log" for path in files)
    found = [(path, s) for path in files for s in spellings if s.encode() in path.read_bytes()]
    assert [str(path) for path, _ in found] == []
