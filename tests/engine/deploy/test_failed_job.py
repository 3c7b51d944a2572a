"""A Job that failed is made anew by the next update, once, and nothing else is."""

from __future__ import annotations

import copy

import pytest

from ggi.engine.restoring import MENDED
from tests.engine.deploy.place import Place, eventually

pytestmark = pytest.mark.timeout(900)

JOB = ("batch/v1", "Job")
NAME = "openklant/Job/migrate"


def test_a_failed_job_is_shown_made_anew_and_then_left_alone(place: Place, stack: str) -> None:
    namespace = place.landscape(stack).environment.namespace
    place.up(stack)  # whatever an earlier test of this sandbox did by hand
    old = next(j for j in place.api.list(*JOB, namespace) if j["metadata"]["name"].startswith("openklant-migrate-"))
    name = old["metadata"]["name"]
    again = copy.deepcopy(old)
    again["metadata"] = {key: old["metadata"][key] for key in ("name", "namespace", "labels", "annotations")}
    again.pop("status")
    again["spec"] |= {"backoffLimit": 0}
    for generated in ("selector", "manualSelector"):
        again["spec"].pop(generated, None)
    template = again["spec"]["template"]["metadata"]
    template["labels"] = {
        k: v for k, v in template["labels"].items() if "controller-uid" not in k and "job-name" not in k
    }
    template["annotations"] = {**template.get("annotations", {}), "sandbox.ggi/outcome": "fail"}
    place.api.delete(*JOB, name, namespace)
    eventually(lambda: place.api.find(*JOB, name, namespace) is None)
    place.api.create(again)
    eventually(
        lambda: [
            c
            for c in place.api.get(*JOB, name, namespace).get("status", {}).get("conditions", ())
            if c["type"] == "Failed"
        ]
    )
    failed = place.api.get(*JOB, name, namespace)["metadata"]["uid"]
    drift = place.ggi("refresh", stack, "--sandbox", "--json", code=1).json["drift"]
    assert NAME in {d["name"] for d in drift}
    assert place.changes(stack) == {NAME: "replace"}
    place.up(stack)
    after = place.api.get(*JOB, name, namespace)
    assert after["metadata"]["uid"] != failed
    assert [c["type"] for c in after["status"]["conditions"] if c["status"] == "True"][-1] == "Complete"
    assert int(after["metadata"]["annotations"][MENDED]) >= 1
    assert place.changes(stack) == {}
    place.up(stack)
    assert place.api.get(*JOB, name, namespace)["metadata"]["uid"] == after["metadata"]["uid"]
