"""The Kubernetes client against a server that is played by a function: discovery, errors, patience, paging."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ggi.engine.kubeapi import KubeApi
from ggi.engine.kubehttp import (
    AlreadyExistsError,
    ApiError,
    BusyError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    ServerError,
    UnauthorizedError,
    UnknownKindError,
    UnreachableError,
    error_from_answer,
)
from ggi.errors import InputError

Handler = Callable[[httpx2.Request], httpx2.Response]


def resource(kind: str, plural: str, scope: str, *subresources: str) -> dict[str, Any]:
    return {
        "resource": plural,
        "responseKind": {"kind": kind},
        "scope": scope,
        "verbs": ["get", "list"],
        "subresources": [{"subresource": name} for name in subresources],
    }


CORE = {
    "items": [
        {
            "metadata": {},
            "versions": [
                {
                    "version": "v1",
                    "resources": [
                        resource("ConfigMap", "configmaps", "Namespaced"),
                        resource("Namespace", "namespaces", "Cluster", "status"),
                    ],
                }
            ],
        }
    ]
}
GROUPS = {
    "items": [
        {
            "metadata": {"name": "example.test"},
            "versions": [
                {"version": "v2", "resources": [resource("Thing", "things", "Namespaced")]},
                {"version": "v1", "resources": [resource("Thing", "things", "Namespaced")]},
            ],
        }
    ]
}


def answer(status: int, body: Any, **headers: str) -> httpx2.Response:
    return httpx2.Response(status, json=body, headers=headers)


def api(handler: Handler, groups: dict[str, Any] | None = None, **options: Any) -> KubeApi:
    """A client whose server is `handler`, with discovery already answered."""

    def serve(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/api":
            return answer(200, CORE)
        if request.url.path == "/apis":
            return answer(200, groups or GROUPS)
        return handler(request)

    return KubeApi(httpx2.Client(transport=httpx2.MockTransport(serve), base_url="https://server.test"), **options)


def refuse(request: httpx2.Request) -> httpx2.Response:
    raise AssertionError(f"nobody should ask {request.method} {request.url}")


def test_paths_follow_the_servers_own_discovery() -> None:
    client = api(refuse)
    assert client.path("v1", "ConfigMap", "a", "b") == "/api/v1/namespaces/b/configmaps/a"
    assert client.path("v1", "ConfigMap", "a") == "/api/v1/namespaces/default/configmaps/a"
    assert client.path("v1", "Namespace", "a", "ignored") == "/api/v1/namespaces/a"
    assert client.path("example.test/v2", "Thing", "a", "b", "status") == (
        "/apis/example.test/v2/namespaces/b/things/a/status"
    )
    assert client.resource("example.test/v1", "Thing").collection() == "/apis/example.test/v1/things"


def test_the_first_version_of_a_group_is_the_preferred_one() -> None:
    preferred = {kind.api_version for kind in api(refuse).resource_types() if kind.kind == "Thing" and kind.preferred}
    assert preferred == {"example.test/v2"}


def test_an_unknown_kind_says_in_which_versions_the_server_has_it() -> None:
    with pytest.raises(UnknownKindError, match=r"example.test/v1, example.test/v2"):
        api(refuse).resource("example.test/v3", "Thing")


def test_a_kind_that_was_added_meanwhile_is_found_without_a_new_client() -> None:
    groups: dict[str, Any] = {"items": []}
    client = api(refuse, groups)
    with pytest.raises(UnknownKindError):
        client.resource("example.test/v2", "Thing")
    groups["items"] = GROUPS["items"]
    assert client.resource("example.test/v2", "Thing").plural == "things"


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        (400, "BadRequest", InvalidError),
        (401, "Unauthorized", UnauthorizedError),
        (403, "Forbidden", ForbiddenError),
        (404, "NotFound", NotFoundError),
        (409, "AlreadyExists", AlreadyExistsError),
        (409, "Conflict", ConflictError),
        (422, "Invalid", InvalidError),
        (429, "TooManyRequests", BusyError),
        (500, "InternalError", ServerError),
        (418, "Teapot", ApiError),
    ],
)
def test_each_refusal_has_its_own_exception(status: int, reason: str, expected: type[ApiError]) -> None:
    body = json.dumps({"kind": "Status", "reason": reason, "message": "because", "details": {"causes": []}})
    error = error_from_answer("GET", "/x", status, body)
    assert type(error) is expected
    assert (error.status, error.reason, error.message, error.details) == (status, reason, "because", {"causes": []})


def test_a_refusal_that_is_not_from_kubernetes_still_says_something() -> None:
    error = error_from_answer("GET", "/x", 502, "<html>bad gateway</html>")
    assert "HTTP 502" in str(error)
    assert "bad gateway" in str(error)


def test_a_busy_server_is_asked_again_as_it_wishes() -> None:
    asked: list[str] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.method)
        return answer(200, {"ok": True}) if len(asked) == 3 else answer(429, {}, **{"Retry-After": "0"})

    assert api(handler).request("POST", "/x", body={}) == {"ok": True}
    assert asked == ["POST"] * 3


def test_a_server_that_stays_busy_is_given_up_after_the_patience() -> None:
    with pytest.raises(BusyError):
        api(lambda request: answer(429, {"reason": "TooManyRequests"}), patience=0.3).request("GET", "/x")


def test_a_creation_is_not_repeated_when_it_may_have_happened() -> None:
    asked: list[str] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.method)
        return answer(504, {"reason": "Timeout", "message": "too late"})

    with pytest.raises(ServerError, match="too late"):
        api(handler).create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}})
    assert asked == ["POST"]


@pytest.mark.parametrize(("method", "tries"), [("GET", 2), ("PATCH", 1)])
def test_only_a_read_is_repeated_after_a_connection_was_cut(method: str, tries: int) -> None:
    asked: list[str] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.method)
        raise httpx2.RemoteProtocolError("server disconnected")

    with pytest.raises(UnreachableError, match="server disconnected") as refused:
        api(handler).request(method, "/x")
    assert len(asked) == tries
    assert refused.value.sent


def test_a_server_that_is_not_there_is_named() -> None:
    def handler(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("connection refused")

    with pytest.raises(UnreachableError, match=r"https://server\.test") as refused:
        api(handler).request("GET", "/x")
    assert not refused.value.sent


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_a_handshake_that_failed_is_tried_once_more_since_nothing_was_sent(method: str) -> None:
    asked: list[str] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.method)
        if len(asked) == 1:
            raise httpx2.ConnectError("[SSL: TLSV1_ALERT_DECODE_ERROR] tlsv1 alert decode error")
        return answer(200, {"kind": "ConfigMap"})

    assert api(handler).request(method, "/x") == {"kind": "ConfigMap"}
    assert asked == [method, method]


def test_a_list_is_fetched_page_by_page_and_every_item_knows_its_kind() -> None:
    asked: list[dict[str, str]] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        asked.append(dict(request.url.params))
        page = len(asked)
        meta = {"continue": "more"} if page == 1 else {}
        return answer(200, {"metadata": meta, "items": [{"metadata": {"name": f"n{page}"}}]})

    found = api(handler).list("v1", "ConfigMap", "b", labels="a=b", fields="metadata.name=x")
    assert [(item["kind"], item["apiVersion"], item["metadata"]["name"]) for item in found] == [
        ("ConfigMap", "v1", "n1"),
        ("ConfigMap", "v1", "n2"),
    ]
    assert asked[0] == {"limit": "500", "labelSelector": "a=b", "fieldSelector": "metadata.name=x"}
    assert asked[1]["continue"] == "more"


def test_an_empty_list_may_be_null() -> None:
    assert api(lambda request: answer(200, {"items": None})).list("v1", "ConfigMap") == []


def test_apply_sends_manager_force_and_dry_run() -> None:
    seen: list[httpx2.Request] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return answer(200, {})

    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "b"}}
    api(handler).apply(manifest, field_manager="me", force=True, dry_run=True)
    (request,) = seen
    assert (request.method, request.url.path) == ("PATCH", "/api/v1/namespaces/b/configmaps/a")
    assert dict(request.url.params) == {"fieldManager": "me", "force": "true", "dryRun": "All"}
    assert request.headers["Content-Type"] == "application/apply-patch+yaml"
    assert json.loads(request.content) == manifest


def test_deleting_what_is_not_there_is_fine_and_a_uid_guards_against_a_namesake() -> None:
    bodies: list[Any] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        bodies.append(json.loads(request.content))
        return answer(404, {"reason": "NotFound"})

    assert api(handler).delete("v1", "ConfigMap", "a", "b", uid="u", grace_seconds=0) is None
    expected = {"propagationPolicy": "Background", "preconditions": {"uid": "u"}, "gracePeriodSeconds": 0}
    assert bodies == [expected]


def test_warnings_of_the_server_are_handed_on() -> None:
    said: list[str] = []
    header = '299 - "would violate PodSecurity \\"restricted:latest\\""'
    api(lambda request: answer(200, {}, Warning=header), on_warning=said.append).request("GET", "/x")
    assert said == ['would violate PodSecurity "restricted:latest"']


@pytest.mark.parametrize("text", ["", "not: [yaml", "apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\n"])
def test_a_kubeconfig_that_cannot_be_used_is_an_input_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(text)
    with pytest.raises(InputError, match="can't be used"):
        KubeApi.from_kubeconfig(file, "nowhere")


def test_a_kubeconfig_that_is_not_there_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be used"):
        KubeApi.from_kubeconfig(tmp_path / "nothing")


def test_of_several_kubeconfigs_the_one_with_the_context_counts(tmp_path: Path) -> None:
    for name in ("a", "b"):
        config = {
            "clusters": [{"name": name, "cluster": {"server": f"http://{name}.test"}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "users": [{"name": name, "user": {"token": "x"}}],
        }
        (tmp_path / name).write_text(json.dumps(config))
    with KubeApi.from_kubeconfig(f"{tmp_path / 'a'}:{tmp_path / 'b'}", "b") as client:
        assert (client.server, client.context) == ("http://b.test", "b")
    with pytest.raises(InputError, match="'c' not found"):
        KubeApi.from_kubeconfig(f"{tmp_path / 'a'}:{tmp_path / 'b'}", "c")


@pytest.mark.parametrize("status", [200, 401, 403, 404, 500, 503])
def test_a_server_is_ready_when_it_says_so(status: int) -> None:
    assert api(lambda request: httpx2.Response(status, text="ok")).is_ready() is (status == 200)


@pytest.mark.parametrize("program", ["/nonexistent/login", "/bin/false"])
def test_a_log_in_program_that_fails_says_that_logging_in_failed(tmp_path: Path, program: str) -> None:
    login = {"apiVersion": "client.authentication.k8s.io/v1", "command": program, "args": []}
    config = {
        "clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:1"}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "users": [{"name": "a", "user": {"exec": login}}],
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    with (
        KubeApi.from_kubeconfig(tmp_path / "kubeconfig", "a") as client,
        pytest.raises(UnauthorizedError, match="logging in"),
    ):
        client.version()
