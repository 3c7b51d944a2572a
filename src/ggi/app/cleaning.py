"""What is in a landscape's namespace and not of it: shown with what it opens, and removed when that is asked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from ggi.controls.integrity.judge import Unplanned, strangers
from ggi.controls.integrity.live import who
from ggi.engine.kubeapi import KubeApi
from ggi.engine.kubehttp import ApiError
from ggi.engine.live import read_live
from ggi.errors import InputError, Problem
from ggi.landscape.build import Landscape
from ggi.messages import t


def find_strangers(api: KubeApi, built: Landscape) -> list[Unplanned]:
    """Objects in the namespace that nothing of ours made, and that the inventory does not name. Raises WorkError."""
    return strangers(built, read_live(api, built.environment.namespace))


def written(found: Unplanned) -> str:
    """How an object is named on the command line: `Ingress/admin`."""
    return "/".join(who(found.body))


HOLD_NOTHING = frozenset(
    {
        *("ConfigMap", "Endpoints", "EndpointSlice", "Lease", "LimitRange", "NetworkPolicy", "Pod", "PodTemplate"),
        *("DaemonSet", "Deployment", "ReplicaSet", "ReplicationController", "CronJob", "Job", "ControllerRevision"),
        *("Ingress", "Service", "ServiceAccount", "Role", "RoleBinding", "ResourceQuota", "PodDisruptionBudget"),
        *("HorizontalPodAutoscaler", "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute", "Gateway"),
        *("ReferenceGrant", "ListenerSet", "BackendTLSPolicy", "PodMonitor", "ServiceMonitor", "PrometheusRule"),
    }
)
"""Kinds of which an object can be deleted without data or keys being lost. Of all others nobody knows that."""


def holds_data(found: Unplanned) -> bool:
    """Whether removing it may lose data: then it must be named."""
    return who(found.body)[0] not in HOLD_NOTHING


def choose(found: Sequence[Unplanned], only: Collection[str]) -> list[Unplanned]:
    """Those that are named; without names, all that hold no data. Raises InputError for a name that is not there."""
    known = {written(one): one for one in found}
    if unknown := [name for name in only if name not in known]:
        names = ", ".join(known) or t("none")
        raise InputError(Problem(t("{name} is not among them", name=unknown[0]), t("There are: {names}.", names=names)))
    return [known[name] for name in only] if only else [one for one in found if not holds_data(one)]


def remove(api: KubeApi, chosen: Sequence[Unplanned], report: Callable[[str], None]) -> int:
    """Delete these objects, each only while it is the one that was shown; how many could not be deleted."""
    failed = 0
    for one in chosen:
        metadata = one.body["metadata"]
        kind, name = who(one.body)
        try:
            # What it owns stays: somebody may have made it the owner of something of ours. Left-overs are shown next.
            version, space, uid = str(one.body["apiVersion"]), metadata["namespace"], str(metadata["uid"])
            api.delete(version, kind, name, space, uid=uid, propagation="Orphan")
        except ApiError as error:
            failed += 1
            report(f"{written(one)}: {error.problems[0].message}")
    return failed
