"""Rewriting addresses in the databases of a landscape: counting first, then all of a database at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from ggi.engine.kubeapi import KubeApi
from ggi.errors import Problem, WorkError
from ggi.landscape.addresses import Count, Rewrite, counts, databases, job
from ggi.landscape.build import Landscape
from ggi.landscape.objects import Body
from ggi.messages import t

PATIENCE = 1800.0
"""Seconds for one database: the deadline of the Job itself (`activeDeadlineSeconds`)."""


def rewrite_addresses(
    api: KubeApi,
    built: Landscape,
    rewrites: Iterable[Rewrite],
    report: Callable[[str], None],
    *,
    apply: bool,
    pause: float = 2.0,
) -> dict[str, list[Count]]:
    """Per component, how many rows of which column name an old address; with `apply` they are rewritten.

    Each database is one transaction, in a Job of the namespace. Raises WorkError when one fails: its database is as it
    was, and those before it are done.
    """
    found: dict[str, list[Count]] = {}
    for component in databases(built):
        report(t("{component}: {what}", component=component, what=t("rewriting") if apply else t("counting")))
        body = with_live_secrets(api, job(built, component, list(rewrites), apply=apply), component)
        found[component] = counts(_run(api, body, component, pause))
    return found


def with_live_secrets(api: KubeApi, body: Body, component: str) -> Body:
    """The Job with the names of ConfigMaps and Secrets that the running one has: only the engine knows its tag."""
    namespace = body["metadata"]["namespace"]
    live = [
        item
        for item in api.list("batch/v1", "Job", namespace, labels=f"app.kubernetes.io/name={component}")
        if item["metadata"]["name"].startswith(f"{component}-migrate-")
    ]
    if not live:
        message = t("{component} has no Job that migrated its database", component=component)
        raise WorkError(Problem(message, t("Run `ggi up` first.")))
    newest = max(live, key=lambda item: str(item["metadata"].get("creationTimestamp", "")))
    there = newest["spec"]["template"]["spec"]
    pod = body["spec"]["template"]["spec"]
    pod["volumes"] = there.get("volumes", [])
    (container,), (running,) = pod["containers"], there["containers"]
    container["envFrom"] = running.get("envFrom", [])
    container["volumeMounts"] = running.get("volumeMounts", [])
    return body


def _run(api: KubeApi, body: Body, component: str, pause: float) -> str:
    """Run a Job to its end and return what it printed; nothing of it stays. Raises WorkError."""
    name, namespace = body["metadata"]["name"], body["metadata"]["namespace"]
    _remove(api, name, namespace, pause)
    api.create(body, field_manager="ggi")
    try:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            conditions = {
                c["type"]: c["status"]
                for c in (api.get("batch/v1", "Job", name, namespace).get("status") or {}).get("conditions") or ()
            }
            if "True" in (conditions.get("Complete"), conditions.get("Failed")):
                break
            time.sleep(pause)
        else:
            conditions = {}
        printed = "".join(_logs(api, pod) for pod in api.list("v1", "Pod", namespace, labels=f"job-name={name}"))
        if conditions.get("Complete") != "True":
            raise WorkError(
                Problem(
                    t(
                        "the addresses in the database of {component} could not be read or rewritten",
                        component=component,
                    ),
                    printed.strip()[-1000:] or t("Its Job {name} ended without a word.", name=name),
                )
            )
        return printed
    finally:
        _remove(api, name, namespace, pause)


def _logs(api: KubeApi, pod: dict[str, Any]) -> str:
    path = api.path("v1", "Pod", pod["metadata"]["name"], pod["metadata"]["namespace"], "log")
    return str(api.request("GET", path, accept="*/*"))


def _remove(api: KubeApi, name: str, namespace: str, pause: float) -> None:
    if api.delete("batch/v1", "Job", name, namespace) is None:
        return
    for _ in range(30):
        if api.find("batch/v1", "Job", name, namespace) is None:
            return
        time.sleep(pause)
