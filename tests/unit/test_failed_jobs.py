"""Which Jobs an update makes anew, and how it counts that."""

from __future__ import annotations

from typing import Any

import pytest

from ggi.controls.integrity.live import LiveNamespace
from ggi.engine.failed_jobs import failed_jobs
from ggi.engine.restoring import MENDED
from ggi.landscape.objects import Object
from tests.content import catalogue, inventory


def ours() -> Object:
    from ggi.landscape.build import landscape

    found, name = inventory().find("gm9901-accp")
    built = landscape(inventory().environment(found, name), catalogue())
    return next(item for item in built.objects if item.name == "openzaak/Job/migrate")


def live(name: str, kind: str = "", count: str = "") -> dict[str, Any]:
    """A Job as the API server gives it (kubernetes.io, Jobs: conditions Complete, Failed, FailureTarget)."""
    notes = {MENDED: count} if count else {}
    conditions = [{"type": kind, "status": "True"}] if kind else []
    return {
        "kind": "Job",
        "metadata": {"name": name, "uid": "u", "annotations": notes},
        "status": {"conditions": conditions},
    }


@pytest.mark.parametrize(
    ("kind", "count", "failed", "counts"),
    [
        ("Failed", "", True, 1),
        ("Failed", "2", True, 3),
        ("Complete", "2", False, 2),
        ("Complete", "", False, 0),
        ("FailureTarget", "", False, 0),
        ("", "", False, 0),
    ],
)
def test_a_failed_job_is_counted_once_more_and_a_count_is_kept(
    kind: str, count: str, failed: bool, counts: int
) -> None:
    item = ours()
    found, numbers = failed_jobs(LiveNamespace([live(item.kube_name, kind, count)]), [item])
    assert (found, numbers.get(item.name, 0)) == ([item.name] if failed else [], counts)


def test_a_failed_job_of_another_name_is_replaced_anyway() -> None:
    assert failed_jobs(LiveNamespace([live("openzaak-migrate-older", "Failed")]), [ours()]) == ([], {})
