"""Our typed models against Microsoft's own types, and the stand-in that answers by them."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from ggi.cookbook.product import GRAPH, Property, Resource
from sandbox.graph.contract import contract
from sandbox.graph.derive import parse
from sandbox.graph.server import make_token
from tests.unit.m365.place import World, book, server

V1 = [
    (name, resource)
    for product in book().products.values()
    if product.channel == GRAPH
    for name, resource in product.resources.items()
    if not resource.pairs and not resource.packed
]


def field_of(resource: Resource, path: str) -> Any:
    """What Microsoft's types say of a property."""
    fields = contract().fields(resource.type)
    *steps, last = path.split(".")
    for step in steps:
        fields = contract().fields(fields[step]["type"])
    return fields.get(last)


def fits(prop: Property, field: Any) -> bool:
    """Whether our type is Microsoft's."""
    if field is None or bool(field.get("list")) != (prop.type == "list"):
        return False
    kind = field["type"]
    if kind in contract().enums:
        return bool(prop.values) and set(prop.values) <= set(contract().enums[kind]) - {"unknownFutureValue"}
    plain = {"boolean": "boolean", "number": "integer", "string": "text"}
    return prop.type == "list" or prop.type == plain.get(kind, "object")


@pytest.mark.parametrize(("name", "resource"), V1, ids=[name for name, _ in V1])
def test_every_property_is_of_microsoft_s_type(name: str, resource: Resource) -> None:
    wrong = [path for path, prop in resource.properties.items() if not fits(prop, field_of(resource, path))]
    assert not wrong


def test_a_wrong_type_would_be_noticed() -> None:
    field = contract().fields("authorizationPolicy")["allowInvitesFrom"]
    assert not fits(Property(type="boolean"), field)
    assert not fits(Property(type="enum", values=["everyone", "nobody"]), field)
    assert not fits(Property(type="enum", values=["everyone"]), None)


def test_members_that_we_leave_out_are_not_many_and_known() -> None:
    missing = {
        f"{name}.{path}": sorted(set(contract().enums[field["type"]]) - set(prop.values) - {"unknownFutureValue"})
        for name, resource in V1
        for path, prop in resource.properties.items()
        if (field := field_of(resource, path))["type"] in contract().enums
    }
    assert {key: value for key, value in missing.items() if value} == {}


@pytest.mark.parametrize(("name", "resource"), V1, ids=[name for name, _ in V1])
def test_the_permissions_that_we_name_are_enough_and_not_more_than_needed(name: str, resource: Resource) -> None:
    rights = resource.permissions
    for method, names in (("GET", rights.read), (resource.update, rights.write)):
        path = resource.url + ("/x" if resource.collection and method != "GET" else "")
        granted = frozenset(names)
        assert contract().allowed(path, method, granted, delegated=rights.delegated_only) == ""
        if method != "GET":
            for one in names:
                assert contract().allowed(path, method, granted - {one}, delegated=rights.delegated_only)
    assert bool(contract().allowed(resource.url, "GET", frozenset(rights.read), delegated=False)) is (
        rights.delegated_only
    )


def test_a_declaration_file_is_read_as_written() -> None:
    types, enums = parse(
        'export type Color = "red" | "green";\n'
        "export interface Base {\n    id?: string;\n}\n"
        "export interface Empty extends Base {}\n"
        "export interface Thing extends Base {\n    // Read-only.\n    made?: NullableOption<string>;\n"
        "    // Required. The colours.\n    colors?: Color[];\n}\n"
    )
    assert enums == {"color": ["red", "green"]}
    assert types["thing"] == {
        "base": "base",
        "fields": {
            "made": {"type": "string", "null": True, "readonly": True},
            "colors": {"type": "color", "list": True, "required": True},
        },
    }
    assert types["empty"] == {"base": "base", "fields": {}}


def call(world: World, method: str, path: str, body: Any = None, delegated: bool = False, **headers: str) -> Any:
    """One request to the stand-in; (status, body)."""
    token, _ = make_token(world.tenant, delegated=delegated)
    answer = httpx2.request(
        method, f"{server().url}{path}", json=body, headers={"Authorization": f"Bearer {token}", **headers}
    )
    return answer.status_code, answer.json() if answer.content else None


AUTHORIZATION = "/v1.0/policies/authorizationPolicy"
REFUSED = [
    ("PATCH", AUTHORIZATION, {"allowInvitesFrom": "nobody"}, 400),
    ("PATCH", AUTHORIZATION, {"allowInvitesFrom": "unknownFutureValue"}, 400),
    ("PATCH", AUTHORIZATION, {"defaultUserRolePermissions": {"allowedToCreateApp": False}}, 400),
    ("PATCH", AUTHORIZATION, {"defaultUserRolePermissions": {"allowedToCreateApps": "no"}}, 400),
    ("PATCH", AUTHORIZATION, {"id": "another"}, 400),
    ("PATCH", "/v1.0/admin/sharepoint/settings", {"defaultSharingLinkType": "direct"}, 400),
    ("POST", "/v1.0/identity/conditionalAccess/policies", {"displayName": "x", "state": "disabled"}, 400),
    ("PUT", AUTHORIZATION, {}, 403),
    ("PATCH", "/v1.0/teamwork/teamsAppSettings", {"allowUserRequestsForAppAccess": True}, 403),
    ("GET", "/v1.0/policies/misspelt", None, 404),
    ("GET", "/v1.0/groups/none/transitiveMembers", None, 404),
    ("GET", f"{AUTHORIZATION}?$select=allowInvites", None, 400),
    ("GET", "/v9/policies/authorizationPolicy", None, 400),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), REFUSED)
def test_the_stand_in_refuses_what_graph_refuses(world: World, method: str, path: str, body: Any, status: int) -> None:
    got, told = call(world, method, path, body)
    assert got == status
    assert told["error"]["message"]
    assert world.state.writes == 0


def test_the_stand_in_accepts_what_graph_accepts(world: World) -> None:
    assert call(world, "PATCH", AUTHORIZATION, {"allowInvitesFrom": "none"}) == (204, None)
    status, body = call(world, "GET", f"{AUTHORIZATION}?$select=allowInvitesFrom")
    assert (status, body["allowInvitesFrom"]) == (200, "none")
    assert set(body) == {"id", "allowInvitesFrom", "@odata.etag"}
    assert call(world, "PATCH", AUTHORIZATION, {"allowInvitesFrom": "everyone"}, **{"If-Match": 'W/"old"'})[0] == 412
    teams = "/v1.0/teamwork/teamsAppSettings"
    assert call(world, "PATCH", teams, {"allowUserRequestsForAppAccess": False}, delegated=True)[0] == 204


def test_a_second_object_of_one_template_is_a_conflict(world: World) -> None:
    world.apply(["TG-02"])
    body = {"templateId": "62375ab9-6b52-47ed-826b-58e47e0e304b", "values": []}
    assert call(world, "POST", "/v1.0/groupSettings", body)[0] == 409


def test_a_batch_is_judged_item_by_item_and_holds_twenty_at_most(world: World) -> None:
    items = [
        {"id": "a", "method": "GET", "url": "/policies/authorizationPolicy"},
        {"id": "b", "method": "GET", "url": "/x"},
    ]
    status, body = call(world, "POST", "/v1.0/$batch", {"requests": items})
    assert status == 200
    assert {r["id"]: r["status"] for r in body["responses"]} == {"a": 200, "b": 404}
    many = [{"id": str(n), "method": "GET", "url": "/policies/authorizationPolicy"} for n in range(21)]
    assert call(world, "POST", "/v1.0/$batch", {"requests": many})[0] == 400


def test_a_token_is_needed(world: World) -> None:
    assert httpx2.get(f"{server().url}{AUTHORIZATION}").status_code == 401
