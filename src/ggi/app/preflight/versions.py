"""Versions of Kubernetes, operators and CRDs, and the kinds that the API server must know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ggi.app.preflight.row import PreflightOutcome, PreflightRow
from ggi.app.preflight.wanted import Wanted
from ggi.catalogue.needs import ClusterProgram, Need, at_least, numbers
from ggi.engine.kubeapi import KubeApi
from ggi.engine.kubehttp import UnknownKindError
from ggi.messages import t

Manifest = dict[str, Any]

GATEWAY_CRD = "gateways.gateway.networking.k8s.io"
BUNDLE, CHANNEL = "gateway.networking.k8s.io/bundle-version", "gateway.networking.k8s.io/channel"
"""Annotations of the CRDs of Gateway API (kubernetes-sigs/gateway-api v1.6.1, config/crd/standard)."""
_VERSION_LABEL = "app.kubernetes.io/version"


def kubernetes(api: KubeApi, wanted: Wanted) -> Iterator[PreflightRow]:
    """The API server's own version."""
    if need := wanted.needs.of(wanted.kinds).get("kubernetes"):
        yield judged("kubernetes", "Kubernetes", api.version(), need)


def gateway_api(api: KubeApi, wanted: Wanted) -> Iterator[PreflightRow]:
    """The release of the CRDs of Gateway API, which is written on them."""
    need = wanted.needs.of(wanted.kinds).get("gateway-api")
    if need is None:
        return
    found = api.find("apiextensions.k8s.io/v1", "CustomResourceDefinition", GATEWAY_CRD)
    notes = ((found or {}).get("metadata") or {}).get("annotations") or {}
    version = notes.get(BUNDLE, "") if found else None
    yield judged("gateway-api", _title(wanted, "gateway-api"), version, need, notes.get(CHANNEL, ""))


def operators(api: KubeApi, wanted: Wanted) -> Iterator[PreflightRow]:
    """The programs that run as Deployments, wherever they do."""
    needs = wanted.needs.of(wanted.kinds)
    deployments = api.list("apps/v1", "Deployment")
    for program in wanted.needs.programs:
        if program.image and (need := needs.get(program.name)):
            found = running(program, deployments)
            where = ", ".join(sorted({item["metadata"]["namespace"] for item in found}))
            version = min((version_of(program, item) for item in found), key=numbers, default=None)
            yield judged(program.name, program.title, version, need, where)


def served(api: KubeApi, wanted: Wanted) -> Iterator[PreflightRow]:
    """Whether the API server knows every kind that is written to it."""
    known = {f"{item.api_version}/{item.kind}" for item in api.resource_types()}
    missing = sorted(wanted.kinds - known)
    yield PreflightRow(
        "version/kinds",
        t("kinds of objects"),
        t("{count} are missing: {names}", count=len(missing), names=", ".join(missing)) if missing else t("all"),
        t("{count} kinds that are written", count=len(wanted.kinds)),
        PreflightOutcome.WRONG if missing else PreflightOutcome.WELL,
        t("Install the CRDs of the version that the rows above ask for.") if missing else "",
    )


def accounts(api: KubeApi, wanted: Wanted) -> Iterator[PreflightRow]:
    """ServiceAccounts that an older operator would use, and that hand out no token."""
    deployments: list[Manifest] | None = None
    for need in wanted.needs.accounts:
        named = [
            (landscape.environment.namespace, item.kube_name)
            for landscape in wanted.landscapes
            for item in landscape.objects
            if f"{item.api_version}/{item.kind}" == need.kind
        ]
        if not named:
            continue
        program = next(item for item in wanted.needs.programs if item.name == need.program)
        deployments = api.list("apps/v1", "Deployment") if deployments is None else deployments
        versions = [version_of(program, item) for item in running(program, deployments)]
        older = [version for version in versions if at_least(version, need.below) is not True]
        silent = [f"{space}/{name}" for space, name in named if older and _silent(api, space, name)]
        yield PreflightRow(
            f"account/{need.program}",
            t("ServiceAccount of {program}", program=program.title),
            t("without token: {names}", names=", ".join(silent)) if silent else t("none that is in the way"),
            t("a token, below version {version}: {why}", version=need.below, why=need.why),
            PreflightOutcome.WRONG if silent else PreflightOutcome.WELL,
            t("Remove it: the operator makes its own (`kubectl delete serviceaccount`).") if silent else "",
        )


def running(program: ClusterProgram, deployments: Iterable[Manifest]) -> list[Manifest]:
    """The Deployments whose first container runs this program; beside others it only helps."""
    return [item for item in deployments if program.image and _repository(item).endswith(f"/{program.image}")]


def version_of(program: ClusterProgram, deployment: Manifest) -> str:
    """By the tag of its image, else by its label; empty when neither says it."""
    tag = _image(deployment).partition("@")[0].rpartition("/")[2].partition(":")[2]
    if numbers(tag):
        return tag
    return str((deployment["metadata"].get("labels") or {}).get(_VERSION_LABEL, ""))


def judged(name: str, title: str, version: str | None, need: Need, more: str = "") -> PreflightRow:
    """The row of one version; None: it is not there; empty: nothing tells which one it is."""
    known = at_least(version, need.least) if version else None
    outcome = {True: PreflightOutcome.WELL, False: PreflightOutcome.WRONG, None: PreflightOutcome.NOT_READ}[known]
    todo = ""
    if version is None:
        outcome, todo = PreflightOutcome.WRONG, t("Install it, version {version} or later.", version=need.least)
    elif outcome is PreflightOutcome.WRONG:
        todo = t("Bring it to version {version} or later.", version=need.least)
    elif outcome is PreflightOutcome.NOT_READ:
        todo = t("Ask who runs it which version it is.")
    shown = t("not there") if version is None else version or t("a version that nothing tells")
    return PreflightRow(
        f"version/{name}",
        title,
        f"{shown} ({more})" if more else shown,
        t("{version} or later: {why}", version=need.least, why=need.why),
        outcome,
        todo,
    )


def _silent(api: KubeApi, namespace: str, name: str) -> bool:
    try:
        found = api.find("v1", "ServiceAccount", name, namespace)
    except UnknownKindError:
        return False
    return found is not None and found.get("automountServiceAccountToken") is False


def _title(wanted: Wanted, name: str) -> str:
    return next((program.title for program in wanted.needs.programs if program.name == name), name)


def _image(deployment: Manifest) -> str:
    containers = deployment["spec"]["template"]["spec"].get("containers") or [{}]
    return str(containers[0].get("image", ""))


def _repository(deployment: Manifest) -> str:
    """The name of the image, with its registry, without tag and digest."""
    name = _image(deployment).partition("@")[0]
    head, slash, last = name.rpartition("/")
    return f"/{head}{slash}{last.partition(':')[0]}"
