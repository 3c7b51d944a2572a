"""A network rule that somebody adds by hand is seen and taken away, also where Pulumi itself does not look."""

from __future__ import annotations

import pytest

from ggi.engine.restoring import MENDED
from tests.engine.deploy.place import Place

pytestmark = pytest.mark.timeout(900)

POLICY = ("networking.k8s.io/v1", "NetworkPolicy")
MORE = {"ipBlock": {"cidr": "10.0.0.0/8"}}
"""As much as the cluster's admission lets anybody open."""
ADDED = {
    "openklant-web": {"op": "add", "path": "/spec/egress/-", "value": {"to": [MORE]}},
    "default-deny": {"op": "add", "path": "/spec/ingress", "value": [{"from": [MORE]}]},
    "dns": {"op": "add", "path": "/spec/egress/0/to/-", "value": MORE},
}


def test_rules_added_by_hand_are_shown_and_taken_away(place: Place, stack: str) -> None:
    namespace = place.landscape(stack).environment.namespace
    place.up(stack)  # whatever an earlier test of this sandbox did by hand
    before = {policy: place.api.get(*POLICY, policy, namespace)["spec"] for policy in ADDED}
    for policy, patch in ADDED.items():
        place.api.patch(*POLICY, policy, [patch], namespace=namespace, patch_type="json")
    names = {"openklant/NetworkPolicy/web", "platform/NetworkPolicy/default-deny", "platform/NetworkPolicy/dns"}
    drift = place.ggi("refresh", stack, "--sandbox", "--json", code=1).json["drift"]
    assert {d["name"] for d in drift} == names
    assert place.changes(stack) == dict.fromkeys(names, "update")
    place.up(stack)
    after = {policy: place.api.get(*POLICY, policy, namespace) for policy in ADDED}
    assert {policy: found["spec"] for policy, found in after.items()} == before
    assert all(int(found["metadata"]["annotations"][MENDED]) >= 1 for found in after.values())
    assert place.changes(stack) == {}
    assert place.ggi("refresh", stack, "--sandbox", "--json").json["drift"] == []
