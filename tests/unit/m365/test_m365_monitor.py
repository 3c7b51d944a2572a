"""Monitors of UTCM: what is watched there is called what UTCM calls it, and what is not watched is listed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ggi.cli.main import main
from ggi.cookbook.product import Monitored, Resource
from ggi.cookbook.utcm import MOST, monitor
from ggi.cookbook.utcm_schema import derived, known, refused
from tests.unit.m365.place import book, rijnstad, wanted

WATCHED = {
    f"{product.product}/{name}": resource
    for product in book().products.values()
    for name, resource in product.resources.items()
    if resource.monitor is not None
}


def faults(resource: Resource, watched: Monitored) -> Iterator[str]:
    """What a product says of UTCM that is not so."""
    about = known().get(watched.type)
    if about is None:
        yield f"there is no type {watched.type}"
        return
    named = {*watched.fixed, *watched.names.values(), *([watched.key] if watched.key else [])}
    yield from (f"there is no {name}" for name in sorted(named - set(about["properties"])))
    given = named | {watched.name_of(path) for path in resource.properties}
    yield from (f"{name} is required" for name in about["required"] if name not in given)
    fixed = {name: value for name, value in watched.fixed.items() if name in about["properties"]}
    yield from (
        f"{name} can't be {value}" for name, value in fixed.items() if refused(about["properties"][name], value)
    )
    yield from (f"we have no {path}" for path in watched.names if path not in resource.properties)


@pytest.mark.parametrize("name", WATCHED)
def test_every_name_is_one_that_utcm_knows(name: str) -> None:
    watched = WATCHED[name].monitor
    assert watched is not None
    assert not list(faults(WATCHED[name], watched))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"type": "microsoft.entra.authorisationpolicy"}, "there is no type"),
        ({"key": "Identiteit"}, "there is no Identiteit"),
        ({"fixed": {}}, "IsSingleInstance is required"),
        ({"fixed": {"IsSingleInstance": "No"}}, "can't be No"),
        ({"names": {"allowInviteFrom": "AllowInvitesFrom"}}, "we have no allowInviteFrom"),
    ],
)
def test_a_name_that_utcm_does_not_know_is_noticed(change: dict[str, Any], told: str) -> None:
    resource = WATCHED["entra/authorizationPolicy"]
    assert resource.monitor is not None
    found = list(faults(resource, resource.monitor.model_copy(update=change)))
    assert any(told in line for line in found), found


def test_a_monitor_keeps_within_the_limits_and_tells_what_it_leaves_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["m365", "monitor", "m365-rijnstad"]) == 0
    made = json.loads(capsys.readouterr().out)
    resources = made["monitor"]["baseline"]["resources"]
    assert 20 < len(resources) <= MOST
    left = {(item["object"], item["why"]) for item in made["not_covered"]}
    assert {"sharepoint", "sharepointadmin", "dns"} <= {name.split("/")[0] for name, _ in left}
    for name in ("exchange/organization RejectDirectSend", "teams/meetingPolicy/Global ExternalBotAccessMode"):
        assert (name, "UTCM has no such property") in left
    for resource in resources:
        about = known()[resource["resourceType"]]
        assert set(about["required"]) <= set(resource["properties"])
        assert not [n for n, v in resource["properties"].items() if refused(about["properties"][n], v)]


def test_every_property_of_every_recipe_is_watched_or_listed_as_left_out() -> None:
    made = monitor(rijnstad(), wanted(), book())
    left = {(item["recipe"], item["object"]) for item in made["not_covered"]}
    seen = sum(len(r["properties"]) for r in made["monitor"]["baseline"]["resources"])
    wants = [(t.id, str(a.ref), w.path) for t in wanted() for a in t.asked for w in a.wants]
    watched = [one for one in wants if (one[0], one[1]) not in left and (one[0], f"{one[1]} {one[2]}") not in left]
    assert len(watched) > 50
    # The rest of what a monitor holds names its objects.
    named = sum(bool(r.monitor and r.monitor.key) + len(r.monitor.fixed if r.monitor else ()) for r in WATCHED.values())
    assert len(watched) < seen <= len(watched) + named + len(made["monitor"]["baseline"]["resources"])


def test_only_names_kinds_and_members_are_kept_of_the_published_schema() -> None:
    published = {
        "$defs": {
            "microsoft.x": {
                "required": ["A"],
                "properties": {
                    "A": {"type": "string", "description": "words"},
                    "B": {"pattern": "^([Yy]es)$", "errorMessage": "Value is not accepted. Valid values: 'Yes', 'No'"},
                },
            }
        }
    }
    kept = {"required": ["A"], "properties": {"A": {"type": "string"}, "B": {"values": ["Yes", "No"]}}}
    assert derived(published, ["microsoft.x"]) == {"microsoft.x": kept}
    assert not refused(kept["properties"]["B"], "yes")  # type: ignore[call-overload]
    assert refused(kept["properties"]["B"], "maybe")  # type: ignore[call-overload]
    assert refused({"type": "integer"}, True)
