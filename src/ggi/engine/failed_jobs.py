"""Jobs that failed, so that an update runs them again.

A Job that has failed stays as it is: Kubernetes never starts it again, since its condition `Failed` is an end. An
update of an unchanged stack finds the object that it asked for and says that nothing changes, or fails at once for the
same reason (pulumi/pulumi-kubernetes 9497796, provider/pkg/await/job.go). Every Job of ours may run twice, so an update
makes a failed one anew, and ends one that still runs when its successor has another name. The annotation `ggi/mended`
counts how often: a new number is a change that a preview shows, and for a Job one that replaces it.
"""

from __future__ import annotations

from collections.abc import Iterable

from ggi.controls.integrity.live import LiveNamespace
from ggi.engine.restoring import counted
from ggi.engine.status import condition
from ggi.landscape.objects import Object


def failed_jobs(live: LiveNamespace, objects: Iterable[Object]) -> tuple[list[str], dict[str, int]]:
    """(the Jobs that failed, number for the annotation), by logical name."""
    jobs = [item for item in objects if item.kind == "Job"]
    failed, counts = counted(live, jobs, lambda _, body: condition(body, "Failed") == "True")
    return list(failed), counts
