"""A network rule that somebody adds by hand is seen and taken away, also where Pulumi itself does not look."""

from __future__ import annotations

from typing import Any

import pytest

from ggi.engine.widened import MENDED
from tests.engine.deploy.place import Place

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

POLICY = ("networking.k8s.io/v1", "NetworkPolicy")


@pytest.fixture(scope="module")
def stack(place: Place) -> str:
    """A little landscape that is up."""
    name = place.tenant("GM9922")
    place.up(name)
    return name


MORE = {"ipBlock": {"cidr": "10.0.0.0/8"}}
"""As much as the cluster's admission lets anybody open."""


@pytest.mark.parametrize(
    ("policy", "patch"),
    [
        ("openklant-web", [{"op": "add", "path": "/spec/egress/-", "value": {"to": [MORE]}}]),
        ("default-deny", [{"op": "add", "path": "/spec/ingress", "value": [{"from": [MORE]}]}]),
        ("dns", [{"op": "add", "path": "/spec/egress/0/to/-", "value": MORE}]),
    ],
)
def test_a_rule_added_by_hand_is_shown_and_taken_away(place: Place, stack: str, policy: str, patch: list[Any]) -> None:
    namespace = place.landscape(stack).environment.namespace
    before = place.api.get(*POLICY, policy, namespace)["spec"]
    place.api.patch(*POLICY, policy, patch, namespace=namespace, patch_type="json")
    drift = place.ggi("refresh", stack, "--sandbox", "--json", code=1).json["drift"]
    assert [d["name"].split("/")[1] for d in drift] == ["NetworkPolicy"]
    assert list(place.changes(stack).values()) == ["update"]
    place.up(stack)
    after = place.api.get(*POLICY, policy, namespace)
    assert after["spec"] == before
    assert int(after["metadata"]["annotations"][MENDED]) >= 1
    assert place.changes(stack) == {}
    assert place.ggi("refresh", stack, "--sandbox", "--json").json["drift"] == []
