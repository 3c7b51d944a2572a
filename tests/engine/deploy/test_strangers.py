"""What is in the cluster and not ours: refused before any write, with its name and what to do, or handed over."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.deploy.place import Place, eventually

pytestmark = pytest.mark.timeout(900)


def versions(place: Place, stack: str) -> dict[tuple[str, str], str]:
    """The resource version of everything in the namespace that a person or we write; controllers write on."""
    quiet = ("Event", "Lease")
    return {k: str(o["metadata"]["resourceVersion"]) for k, o in place.objects(stack).items() if k[0] not in quiet}


def account(place: Place, namespace: str) -> dict[str, Any]:
    body = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "openklant", "namespace": namespace}}
    return place.api.create(body, field_manager="kubectl-create")


def namespace(place: Place, name: str, **metadata: Any) -> dict[str, Any]:
    return place.api.create(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, **metadata}},
        field_manager="kubectl-create",
    )


def settled(place: Place, name: str) -> dict[tuple[str, str], str]:
    """The versions, once Kubernetes' own objects of a new namespace are there."""
    eventually(lambda: {("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")} <= set(versions(place, name)))
    return versions(place, name)


def test_a_namespace_and_an_object_of_somebody_else_are_refused_and_adopted_after_labelling(place: Place) -> None:
    stack = place.tenant("GM9941")
    theirs = namespace(place, stack)
    login = account(place, stack)
    before = settled(place, stack)

    for ran in (place.up(stack, code=1), place.ggi("preview", stack, "--sandbox", code=1)):
        assert f"Namespace {stack} exists already and is not of this stack" in ran.err
        assert "ServiceAccount openklant exists already and is not of this stack" in ran.err
        assert f"ggi/stack={stack}" in ran.err
        assert ran.err.count("exists already") == 2
    plain = place.pulumi(stack, "up", "--yes", "--skip-preview", code=1)
    assert "ServiceAccount openklant exists already" in plain.text
    assert versions(place, stack) == before, "something was written"

    label = {"metadata": {"labels": {"ggi/stack": stack}}}
    place.api.patch("v1", "Namespace", stack, label)
    one = place.up(stack, code=1)
    assert one.err.count("exists already") == 1 and "ServiceAccount openklant" in one.err
    place.api.patch("v1", "ServiceAccount", "openklant", label, namespace=stack)
    place.up(stack)

    adopted = place.api.get("v1", "ServiceAccount", "openklant", stack)
    assert adopted["metadata"]["uid"] == login["metadata"]["uid"], "adopted, not replaced"
    assert adopted["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "pulumi"
    live = place.api.get("v1", "Namespace", stack)
    assert live["metadata"]["uid"] == theirs["metadata"]["uid"]
    assert live["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert place.changes(stack) == {}


def test_an_object_of_another_stack_is_refused_with_that_stack_s_name(place: Place) -> None:
    stack = place.tenant("GM9942", environment={"namespace": "gedeeld"})
    namespace(place, "gedeeld", labels={"ggi/stack": "gm9999-prod"})
    ran = place.up(stack, code=1)
    assert "Namespace gedeeld exists already and is not of this stack (it belongs to gm9999-prod)" in ran.err
    assert set(settled(place, "gedeeld")) == {
        ("Namespace", "gedeeld"),
        ("ServiceAccount", "default"),
        ("ConfigMap", "kube-root-ca.crt"),
    }


def test_an_object_under_the_final_name_of_a_secret_is_found_too(place: Place) -> None:
    """The name of a Secret carries a tag that only the engine knows: it is the tagged name that is looked for."""
    stack = place.tenant("GM9943")
    place.up(stack)
    secret = next(
        name for kind, name in place.objects(stack) if kind == "Secret" and name.startswith("openklant-env-r1")
    )
    place.ggi("down", stack, "--sandbox", "--yes")
    namespace(place, stack, labels={"ggi/stack": stack})
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": secret, "namespace": stack}}
    place.api.create(body, field_manager="kubectl-create")
    ran = place.up(stack, code=1)
    assert f"Secret {secret} exists already" in ran.err
    place.api.delete("v1", "Secret", secret, stack)
    place.up(stack)


def test_a_landscape_whose_state_was_lost_is_taken_up_again(place: Place, stack: str) -> None:
    uids = {k: o["metadata"]["uid"] for k, o in place.objects(stack).items() if k[0] not in ("Event", "Pod")}
    place.checkpoint(stack).unlink()
    ran = place.up(stack)
    assert " new" in ran.out.splitlines()[-1] or " made" in ran.out.splitlines()[-1]
    now = {k: o["metadata"]["uid"] for k, o in place.objects(stack).items() if k[0] not in ("Event", "Pod")}
    assert now == uids, "taken up as it is, nothing made anew"
    assert place.changes(stack) == {}


def test_an_object_that_is_known_under_another_logical_name_is_refused(place: Place, stack: str) -> None:
    """Else the engine would adopt it under the new name and delete it under the old one."""

    def known_as(name: str) -> None:
        note = {"metadata": {"annotations": {"ggi/name": name}}}
        place.api.patch("apps/v1", "Deployment", "openklant-web", note, namespace=stack)

    known_as("openklant/Deployment/site")
    ran = place.up(stack, code=1)
    known_as("openklant/Deployment/web")
    assert "Deployment openklant-web is known as openklant/Deployment/site, not as openklant/Deployment/web" in ran.err
