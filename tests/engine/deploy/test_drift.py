"""What somebody changes by hand in the cluster: it is shown, with object and property, and the next up restores it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import pytest

from ggi.engine.kubeapi import Object
from tests.engine.deploy.place import Place, Ran, spelled

pytestmark = pytest.mark.timeout(900)

WEB = "openklant/Deployment/web"
WORKER = "openklant/Deployment/worker"
POLICY = "openklant/NetworkPolicy/web"
SERVICE = "openklant/Service/web"
SETTINGS = "openklant/ConfigMap/env"
USERS = "redis/Secret/users"
MORE = {"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}
"""As much as the cluster's admission lets anybody open."""
BY_HAND = "user somebody on >canary-by-hand-5f2c"


@dataclass
class Meddled:
    """A landscape that somebody changed by hand: how it was, what was said of it, and how it is after the next up."""

    stack: str
    before: dict[tuple[str, str], Object]
    preview: dict[str, dict[str, Any]]
    refresh: Ran
    drift: dict[str, dict[str, Any]]
    up: dict[str, Any]
    after: dict[tuple[str, str], Object]

    def one(self, kind: str, name: str, *, after: bool = True) -> Object:
        """The live object whose name begins with `name`."""
        found = self.after if after else self.before
        return next(o for (k, n), o in sorted(found.items()) if k == kind and n.startswith(name))


@pytest.fixture(scope="module")
def meddled(place: Place, stack: str) -> Meddled:
    before = place.objects(stack)
    api, by_hand = place.api, "kubectl-edit"

    def name(kind: str, start: str) -> str:
        return next(n for k, n in sorted(before) if k == kind and n.startswith(start))

    def patch(api_version: str, kind: str, start: str, change: Any) -> None:
        api.patch(api_version, kind, name(kind, start), change, namespace=stack, field_manager=by_hand)

    patch("apps/v1", "Deployment", "openklant-web", {"spec": {"replicas": 7}})
    patch("v1", "Service", "openklant-web", {"metadata": {"labels": {"app.kubernetes.io/part-of": "mine"}}})
    patch("networking.k8s.io/v1", "NetworkPolicy", "openklant-web", {"spec": {"ingress": [MORE]}})
    patch("v1", "Secret", "redis-users", {"data": {"users.acl": base64.b64encode(BY_HAND.encode()).decode()}})
    api.delete("v1", "ConfigMap", name("ConfigMap", "openklant-env"), stack)
    api.delete("apps/v1", "Deployment", "openklant-worker", stack)

    preview = place.ggi("preview", stack, "--sandbox", "--json").json
    refresh = place.ggi("refresh", stack, "--sandbox", code=1)
    drift = place.ggi("refresh", stack, "--sandbox", "--json", code=1).json
    up = place.up(stack, "--json").json
    return Meddled(
        stack,
        before,
        {s["name"]: s for s in preview["steps"]},
        refresh,
        {s["name"]: s for s in drift["drift"]},
        up,
        place.objects(stack),
    )


@pytest.mark.parametrize(
    ("name", "path"),
    [(WEB, "spec.replicas"), (SERVICE, 'metadata.labels["app.kubernetes.io/part-of"]'), (POLICY, "spec.ingress")],
)
def test_a_changed_property_is_named_by_preview_and_refresh(meddled: Meddled, name: str, path: str) -> None:
    for shown in (meddled.preview[name], meddled.drift[name]):
        assert shown["op"] == "update"
        assert any(changed.startswith(path) for changed in shown["changed"]), shown
    assert f"{name}  [" in meddled.refresh.out and path in meddled.refresh.out


@pytest.mark.parametrize("name", [WORKER, SETTINGS])
def test_a_deleted_object_is_named_and_would_be_made_again(meddled: Meddled, name: str) -> None:
    assert meddled.preview[name]["op"] == "create"
    assert meddled.drift[name]["op"] == "delete"


def test_a_changed_secret_is_named_without_its_values(meddled: Meddled) -> None:
    assert meddled.drift[USERS]["changed"][0].startswith("data")
    assert meddled.preview[USERS]["op"] == "update"
    said = meddled.refresh.text + str(meddled.drift) + str(meddled.preview)
    assert not [spelling for spelling in spelled(BY_HAND) if spelling in said]


def test_nothing_else_is_shown(meddled: Meddled) -> None:
    touched = {WEB, SERVICE, POLICY, WORKER, SETTINGS, USERS}
    assert set(meddled.drift) == touched
    assert set(meddled.preview) == touched


def test_the_next_up_restores_everything(meddled: Meddled) -> None:
    assert {s["name"] for s in meddled.up["steps"]} == set(meddled.drift)
    assert meddled.one("Deployment", "openklant-web")["spec"]["replicas"] == 2
    labels = meddled.one("Service", "openklant-web")["metadata"]["labels"]
    assert labels["app.kubernetes.io/part-of"] == "ggi"
    rules = meddled.one("NetworkPolicy", "openklant-web")["spec"]
    assert rules == meddled.one("NetworkPolicy", "openklant-web", after=False)["spec"]
    for kind, name in (("ConfigMap", "openklant-env"), ("Deployment", "openklant-worker"), ("Secret", "redis-users")):
        old, new = meddled.one(kind, name, after=False), meddled.one(kind, name)
        assert new.get("data") == old.get("data")
        assert (new.get("spec") or {}).get("template") == (old.get("spec") or {}).get("template")


def test_after_that_nothing_differs_and_what_controllers_write_is_no_drift(meddled: Meddled, place: Place) -> None:
    """An autoscaler's annotation, a status, another manager's own label: none of ours, so none of our business."""
    note = {"metadata": {"annotations": {"example.test/seen": "yes"}, "labels": {"example.test/team": "a"}}}
    place.api.patch("apps/v1", "Deployment", "openklant-web", note, namespace=meddled.stack, field_manager="other")
    assert place.changes(meddled.stack) == {}
    assert "nothing differs" in place.ggi("refresh", meddled.stack, "--sandbox").out
    live = place.api.get("apps/v1", "Deployment", "openklant-web", meddled.stack)
    assert live["metadata"]["labels"]["example.test/team"] == "a"
    gone = {"metadata": {"annotations": {"example.test/seen": None}, "labels": {"example.test/team": None}}}
    place.api.patch("apps/v1", "Deployment", "openklant-web", gone, namespace=meddled.stack)
    away = {"metadata": {"annotations": {"example.test/seen": None}, "labels": {"example.test/team": None}}}
    place.api.patch("apps/v1", "Deployment", "openklant-web", away, namespace=meddled.stack, field_manager="other")
