"""Check, diff, retries and waits of the Kubernetes stand-in, against a server that is made of answers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, cast

import pytest

from ggi.engine.kubeapi import KubeApi
from ggi.engine.kubehttp import (
    AlreadyExistsError,
    ApiError,
    ConflictError,
    NotFoundError,
    ServerError,
    UnknownKindError,
    UnreachableError,
)
from ggi.errors import WorkError
from sandbox.plugins.kubernetes import cluster as cluster_module
from sandbox.plugins.kubernetes import waiting
from sandbox.plugins.kubernetes.cluster import ClusterClient
from sandbox.plugins.kubernetes.operations import Operations, PartialError
from sandbox.plugins.kubernetes.settings import ProviderSettings
from sandbox.plugins.kubernetes.state import checkpoint
from sandbox.plugins.kubernetes.waiting import NotReadyError, Waiter
from sandbox.plugins.kubernetes.wire import Secret, Unknown

URN = "urn:pulumi:dev::ggi::kubernetes:core/v1:ConfigMap::settings"
MANIFEST = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "n", "namespace": "ns"}, "data": {"a": "1"}}
BUSY = ServerError(503, "ServiceUnavailable", "later")
TAKEN = AlreadyExistsError(409, "AlreadyExists", "it already exists")


class Answers:
    """An API server that gives the listed answers, one by one; an exception among them is raised."""

    def __init__(self, **answers: list[Any]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(*_: object, **__: object) -> Any:
            self.asked.append(method)
            known = self.answers.get(method, [])
            answer = known.pop(0) if len(known) > 1 else known[0] if known else None
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def writing(answers: Answers) -> ClusterClient:
    return ClusterClient(cast(KubeApi, answers), threading.Event())


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr(waiting, "LAST_PAUSE", 0.01)
    monkeypatch.setattr(waiting, "FIRST_PAUSE", 0.001)


@pytest.mark.parametrize(
    "passing",
    [
        BUSY,
        ConflictError(409, "Conflict", "the object has been modified"),
        NotFoundError(404, "NotFound", "no namespace", details={"kind": "namespaces"}),
        UnreachableError("https://a.test", "refused", sent=False),
    ],
)
def test_a_creation_is_tried_again_after_a_failure_that_passes(passing: ApiError) -> None:
    answers = Answers(create=[passing, passing, MANIFEST])
    assert writing(answers).create(MANIFEST, dry_run=False) == MANIFEST
    assert answers.asked.count("create") == 3


def test_only_an_update_waits_for_a_namespace_that_is_on_its_way() -> None:
    missing = NotFoundError(404, "NotFound", "no namespace", details={"kind": "namespaces"})
    answers = Answers(apply=[missing, missing, MANIFEST])
    assert writing(answers).upsert(MANIFEST, "ggi", dry_run=False) == MANIFEST
    assert answers.asked.count("apply") == 3
    answers = Answers(apply=[missing, MANIFEST])
    with pytest.raises(NotFoundError):
        writing(answers).upsert(MANIFEST, "ggi", dry_run=True)
    assert answers.asked.count("apply") == 1


def test_a_creation_gives_up_with_the_servers_own_words() -> None:
    with pytest.raises(ServerError, match="later"):
        writing(Answers(create=[BUSY])).create(MANIFEST, dry_run=False)


def test_an_object_that_was_there_before_is_never_taken_for_ours() -> None:
    answers = Answers(create=[TAKEN])
    with pytest.raises(AlreadyExistsError):
        writing(answers).create(MANIFEST, dry_run=False)
    assert answers.asked == ["create"]


def test_a_creation_whose_answer_got_lost_is_found_again() -> None:
    mine = {"manager": "pulumi-kubernetes", "operation": "Update"}
    metadata = MANIFEST["metadata"] | {"creationTimestamp": "9999-01-01T00:00:00Z", "managedFields": [mine]}  # type: ignore[operator]
    lost = UnreachableError("https://a.test", "reset", sent=True)
    assert writing(Answers(create=[lost, TAKEN], find=[MANIFEST | {"metadata": metadata}])).create(
        MANIFEST, dry_run=False
    )
    older = metadata | {"creationTimestamp": "2001-01-01T00:00:00Z"}
    with pytest.raises(AlreadyExistsError):
        writing(Answers(create=[lost, TAKEN], find=[MANIFEST | {"metadata": older}])).create(MANIFEST, dry_run=False)


LOST = UnreachableError("https://a.test", "reset", sent=True)


def test_a_creation_that_is_never_answered_reaches_the_state_and_the_next_refresh_decides() -> None:
    answers = Answers(create=[LOST], resource=[None])
    with pytest.raises(PartialError, match="not known whether it was made") as caught:
        online(answers).create(URN, MANIFEST, 0, preview=False)
    assert caught.value.resource_id == "ns/n"
    stored = caught.value.state
    made = {"name": "n", "namespace": "ns", "uid": "1"}
    ours = made | {"managedFields": [{"manager": "pulumi-kubernetes", "operation": "Update"}]}
    assert online(Answers(find=[MANIFEST | {"metadata": ours}])).read(URN, "ns/n", stored, MANIFEST) is not None
    assert online(Answers(find=[MANIFEST | {"metadata": made}])).read(URN, "ns/n", stored, MANIFEST) is None
    assert online(Answers(find=[None])).read(URN, "ns/n", stored, MANIFEST) is None


def test_a_creation_that_never_left_is_no_more_than_an_error() -> None:
    unsent = UnreachableError("https://a.test", "refused", sent=False)
    with pytest.raises(UnreachableError):
        online(Answers(create=[unsent], resource=[None])).create(URN, MANIFEST, 0, preview=False)


def test_an_object_of_which_sight_is_lost_while_it_is_waited_for_reaches_the_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.02)
    answers = Answers(create=[gate("no")], find=[LOST], list=[LOST], resource=[None])
    with pytest.raises(PartialError, match="lost sight of") as caught:
        online(answers).create(URN, gate("no"), 0, preview=False)
    assert caught.value.state["data"] == {"open": "no"}


def test_a_wrong_condition_is_refused_before_anything_is_written() -> None:
    wrong = MANIFEST | {"metadata": {"name": "n", "annotations": {"pulumi.com/waitFor": "Ready"}}}
    answers = Answers(create=[MANIFEST], resource=[None])
    with pytest.raises(ValueError, match="must begin with"):
        online(answers).create(URN, wrong, 0, preview=False)
    assert "create" not in answers.asked


def test_a_field_that_somebody_else_manages_is_not_tried_again() -> None:
    causes = {"causes": [{"reason": "FieldManagerConflict"}]}
    answers = Answers(apply=[ConflictError(409, "Conflict", "conflict with x", details=causes)])
    live = MANIFEST | {"metadata": {"name": "n", "managedFields": [{"manager": "x", "operation": "Apply"}]}}
    with pytest.raises(ConflictError):
        writing(answers).update(MANIFEST, live, "me", force=False, ignored=[], dry_run=False)
    assert answers.asked == ["apply"]


def waiter(answers: Answers, cancelled: threading.Event | None = None) -> Waiter:
    return Waiter(cast(KubeApi, answers), cancelled or threading.Event(), lambda urn, message: None)


def gate(value: str, seconds: str = "5") -> dict[str, Any]:
    wait = {"pulumi.com/waitFor": "jsonpath={.data.open}=yes", "pulumi.com/timeoutSeconds": seconds}
    metadata = {"name": "n", "namespace": "ns", "annotations": wait, "uid": "1"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"open": value}}


def test_a_wait_ends_when_the_condition_holds_and_survives_a_server_that_is_away() -> None:
    away = UnreachableError("https://a.test", "refused", sent=False)
    answers = Answers(find=[gate("no"), away, gate("no"), gate("yes")])
    assert waiter(answers).until_ready("urn", gate("no"), gate("no"), 0) == gate("yes")


def test_a_wait_that_is_too_long_says_what_it_waited_for_and_keeps_the_object() -> None:
    with pytest.raises(NotReadyError, match=r"is not ready after 0.05 s: .* is no, not yes") as caught:
        waiter(Answers(find=[gate("no")], list=[[]])).until_ready("urn", gate("no"), gate("no"), 0.05)
    assert caught.value.live == gate("no")


def test_a_wait_ends_when_the_engine_cancels() -> None:
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(NotReadyError, match="was cancelled"):
        waiter(Answers(list=[[]]), cancelled).until_ready("urn", gate("no"), gate("no"), 600)


def test_a_wait_is_skipped_when_the_annotation_says_so() -> None:
    skipped = gate("no")
    skipped["metadata"]["annotations"]["pulumi.com/skipAwait"] = "true"
    assert waiter(Answers()).until_ready("urn", skipped, skipped, 600) == skipped


def test_a_deletion_ends_when_the_object_is_gone_or_another_has_its_name() -> None:
    waiter(Answers(find=[gate("no"), None])).until_gone("urn", gate("no"), {}, 5)
    other = gate("no")
    other["metadata"] = other["metadata"] | {"uid": "2"}
    waiter(Answers(find=[other])).until_gone("urn", gate("no"), {}, 5)


def test_a_deletion_that_does_not_come_names_the_finalizers() -> None:
    held = gate("no")
    held["metadata"] = held["metadata"] | {"finalizers": ["a.test/hold"]}
    with pytest.raises(NotReadyError) as caught:
        waiter(Answers(find=[held], list=[[]])).until_gone("urn", held, {}, 0.05)
    assert caught.value.reasons == ["finalizers that are not done: a.test/hold"]


def offline() -> Operations:
    return Operations(ProviderSettings(), "team", None, None, "nobody answers")


def checked(manifest: dict[str, Any], urn: str = URN, old: dict[str, Any] | None = None) -> dict[str, Any]:
    return offline().check(urn, old or {}, manifest, b"seed", None)


def test_the_type_gives_kind_and_version_and_the_provider_the_namespace() -> None:
    found = checked({"metadata": {"name": "n"}, "data": {"a": Secret("1")}})
    assert found == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "n", "namespace": "team"},
        "data": {"a": Secret("1")},
    }
    role = "urn:pulumi:dev::ggi::kubernetes:rbac.authorization.k8s.io/v1:ClusterRole::r"
    assert checked({"metadata": {"name": "n"}}, role)["metadata"] == {"name": "n"}


def test_an_object_without_a_name_gets_one_and_keeps_it() -> None:
    first = checked({"data": {"a": "1"}})
    assert first["metadata"]["name"].startswith("settings-")
    assert first["metadata"]["annotations"] == {"pulumi.com/autonamed": "true"}
    assert checked({"data": {"a": "2"}}, old=first)["metadata"]["name"] == first["metadata"]["name"]


@pytest.mark.parametrize(
    ("kind", "manifest", "said"),
    [
        ("ConfigMap", {"metadata": {"generateName": "n-"}}, "generateName"),
        ("ConfigMapPatch", {"kind": "ConfigMap", "metadata": {"name": "n"}}, "Patch resources"),
        ("ConfigMapList", {"items": []}, "list can't be created"),
    ],
)
def test_what_is_not_supported_is_refused(kind: str, manifest: dict[str, Any], said: str) -> None:
    with pytest.raises(WorkError, match=said):
        checked(manifest, URN.replace("ConfigMap", kind))


def compared(old: dict[str, Any], new: dict[str, Any], live: dict[str, Any] | None = None) -> tuple[set[str], bool]:
    stored = checkpoint(live or old, old, old, "v1", "me")
    found = offline().compare(stored, new, [])
    return set(found.differences.found), found.delete_first


def test_a_fixed_name_is_freed_before_it_is_used_again() -> None:
    assert compared(MANIFEST, MANIFEST | {"data": {"a": "2"}}) == ({"data.a"}, True)
    renamed = MANIFEST | {"metadata": {"name": "n-2", "namespace": "ns"}}
    assert compared(MANIFEST, renamed) == ({"metadata.name"}, False)
    assert compared(MANIFEST, MANIFEST | {"metadata": {"name": Unknown(), "namespace": "ns"}})[1] is False


def test_a_live_value_that_the_program_names_is_drift_and_another_is_not() -> None:
    live = MANIFEST | {"data": {"a": "changed", "b": "added"}, "status": {"x": 1}}
    assert compared(MANIFEST, MANIFEST, live) == ({"data.a"}, True)
    assert compared(MANIFEST, MANIFEST, MANIFEST | {"data": {"a": "1", "b": "added"}}) == (set(), False)


def test_no_namespace_and_the_default_one_are_the_same() -> None:
    bare = MANIFEST | {"metadata": {"name": "n"}}
    assert compared(MANIFEST | {"metadata": {"name": "n", "namespace": "default"}}, bare) == (set(), False)


def test_an_unreachable_cluster_previews_and_refuses_to_write() -> None:
    assert offline().create(URN, MANIFEST, 0, preview=True) == ("", MANIFEST)
    with pytest.raises(WorkError, match="unreachable: nobody answers"):
        offline().create(URN, MANIFEST, 0, preview=False)
    with pytest.raises(WorkError, match="unreachable"):
        offline().read(URN, "ns/n", {}, {})


def online(answers: Answers) -> Operations:
    return Operations(ProviderSettings(), "team", writing(answers), waiter(answers))


def test_an_object_that_is_gone_or_whose_kind_is_gone_reads_as_gone() -> None:
    assert online(Answers(find=[None])).read(URN, "ns/n", {}, MANIFEST) is None
    assert (
        online(Answers(find=[UnknownKindError(404, "UnknownKind", "no such kind")])).read(URN, "ns/n", {}, {}) is None
    )


def test_a_refresh_takes_the_live_values_of_what_the_program_names() -> None:
    live = MANIFEST | {"data": {"a": "changed", "b": "added"}}
    found = online(Answers(find=[live])).read(URN, "ns/n", {}, MANIFEST)
    assert found is not None
    assert found.inputs["data"] == {"a": "changed"}
    assert found.state["data"] == live["data"]


def test_an_object_that_does_not_become_ready_is_kept_in_the_state() -> None:
    stuck = gate("no", seconds="0")
    answers = Answers(create=[stuck], find=[stuck], list=[[]], resource=[None])
    with pytest.raises(PartialError) as caught:
        online(answers).create(URN, stuck, 0, preview=False)
    assert caught.value.resource_id == "ns/n"
    assert caught.value.state["data"] == {"open": "no"}


def test_a_change_that_the_server_refuses_keeps_what_is_live() -> None:
    refused = ApiError(422, "Invalid", "spec.x: Invalid value")
    answers = Answers(find=[MANIFEST], apply=[refused], resource=[None])
    with pytest.raises(PartialError, match=r"ConfigMap n in ns: spec\.x: Invalid value") as caught:
        online(answers).update(URN, checkpoint(MANIFEST, MANIFEST, {}, "v1", "me"), MANIFEST, 0, [], preview=False)
    assert caught.value.state["data"] == {"a": "1"}


def test_deleting_what_is_not_there_is_fine() -> None:
    online(Answers(delete=[None])).delete(URN, checkpoint(MANIFEST, MANIFEST, {}, "v1", "me"), 0)
