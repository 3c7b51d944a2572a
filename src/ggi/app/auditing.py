"""Audits of stacks of every kind: what the inventory asks, what was written or what is there, judged by controls."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ggi.app.running import why_not_shown
from ggi.audit.audit import Audit, Looked, Place
from ggi.controls.integrity.live import full_kind
from ggi.controls.kinds import known_kinds
from ggi.errors import InputError, Problem
from ggi.inventory.stack import Stack, StackKind, kind_of
from ggi.messages import t

if TYPE_CHECKING:
    from ggi.app.platform import Platform
    from ggi.app.workspace import Workspace
    from ggi.audit.assessment import Assessment
    from ggi.controls.integrity.live import Body, LiveNamespace
    from ggi.controls.observation import Domain, Subject
    from ggi.cookbook.reading import ReadResult, Ref
    from ggi.engine.kubeapi import KubeApi
    from ggi.inventory.load import Environment


@dataclass(frozen=True)
class AuditRequest:
    """What is to be judged: a stack as a person names it, in one place, as on a date."""

    workspace: Workspace
    name: str
    platform: Platform
    place: Place
    date: dt.date
    state_file: Path | None = None
    """With `Place.STATE`: an exported state or a snapshot, also one made by others; default the newest of our own."""
    report: Callable[[str], None] = lambda line: None


def audit_stack(request: AuditRequest) -> Audit:
    """The audit of one stack, whatever its kind. Raises InputError and WorkError."""
    return READERS[kind_of(request.name)](request)


def audit_landscape(request: AuditRequest) -> Audit:
    """The audit of an environment's landscape."""
    assessment = request.workspace.assessor(request.date).of(request.workspace.landscape(request.name))
    if request.place is Place.PLAN:
        return assessment.audit()
    simulated = request.platform.sandbox is not None
    if request.place is Place.STATE:
        looked = Looked(ran=_ran(request, assessment))
        found = assessment.audit(_written(request, assessment), Place.STATE, looked=looked, simulated=simulated)
    else:
        subjects, live = _live(request, assessment)
        images = request.platform.running_images(assessment.landscape.environment)
        known = {full_kind(kind.api_version, name): name for name, kind in known_kinds().items()}
        looked = Looked(
            frozenset(known[kind] for kind in live.unread if kind in known),
            domains=None if simulated else _domains(assessment),
            instead=None if images is None else why_not_shown(images),
            live=live,
            ran=_ran(request, assessment),
        )
        found = assessment.audit(subjects, Place.LIVE, looked=looked, simulated=simulated)
    return replace(found, not_real=request.platform.simulated)


def audit_cluster(request: AuditRequest) -> Audit:
    """Raises InputError: what a cluster has of its own is judged with the landscapes on it."""
    message = t("{stack} is judged with the landscapes on it", stack=request.name)
    raise InputError(Problem(message, t("Name a landscape, such as gm9901-prod.")))


def audit_network(request: AuditRequest) -> Audit:
    """The audit of a network's servers, as they are."""
    from ggi.app.hosts import find_managed_network
    from ggi.hosts.audit import audit_network, deviations_of
    from ggi.hosts.controls import load_host_controls

    if request.place is not Place.LIVE:
        fix = t("Use `--from live`.")
        raise InputError(Problem(t("servers of a network can only be judged as they are"), fix))
    network = find_managed_network(request.workspace, request.name, request.platform)
    network.ready()
    roots = request.workspace.catalogue.roots
    controls = load_host_controls(roots)
    own = deviations_of(roots, network, controls)
    return audit_network(network, controls, request.date, own, simulated=request.platform.sandbox is not None)


def audit_m365(request: AuditRequest) -> Audit:
    """The audit of a Microsoft 365 tenant: live, or of a snapshot: a file, or its newest."""
    from ggi.app.m365 import TenantAccess
    from ggi.assurance.signing import fingerprint, name_signer, own_key
    from ggi.cookbook.audit import audit_tenant
    from ggi.cookbook.deviations import deviations_of
    from ggi.cookbook.snapshot import load, newest, verify_snapshot

    if request.place is Place.PLAN:
        message = t("a Microsoft 365 tenant can't be judged before it is read")
        raise InputError(Problem(message, t("Use `--from live`, or `--from state` for the newest snapshot.")))
    access = TenantAccess(request.name, request.workspace, request.platform, request.report)
    chosen = access.targets()
    own = deviations_of(request.workspace.catalogue.roots, access.tenant, access.book)
    simulated = request.platform.sandbox is not None
    seen: Mapping[Ref, ReadResult]
    if request.place is Place.LIVE:
        seen = access.read(chosen)
    elif request.state_file is None:
        seen = newest(access.snapshots, own_key().public_key(), access.tenant.stack).seen
    else:
        signer = verify_snapshot(request.state_file)[1]
        found = load(request.state_file, signer, access.tenant.stack)
        told = t(
            "  signed with {fingerprint}: {whose}", fingerprint=fingerprint(signer), whose=name_signer(signer, None)[0]
        )
        request.report(told)
        seen, simulated = found.seen, found.stand_in
    return audit_tenant(access.tenant, access.book, chosen, seen, own, request.place, request.date, simulated=simulated)


READERS: Mapping[StackKind, Callable[[AuditRequest], Audit]] = {
    StackKind.LANDSCAPE: audit_landscape,
    StackKind.CLUSTER: audit_cluster,
    StackKind.NETWORK: audit_network,
    StackKind.M365: audit_m365,
}


def _written(request: AuditRequest, assessment: Assessment) -> list[Subject]:
    """What the engine last wrote."""
    from ggi.audit.state import export_state, read_export
    from ggi.controls.subjects import of_state
    from ggi.engine.tools import PULUMI, resolve

    built = assessment.landscape
    if request.state_file is not None:
        return list(of_state(read_export(request.state_file), built))
    sandbox = request.platform.sandbox is not None
    cli = resolve(PULUMI, sandbox=sandbox, report=request.report).path
    target = request.platform.target(request.workspace, built.environment, cli)
    return list(of_state(export_state(target), built))


def _reader(platform: Platform, environment: Environment) -> KubeApi:
    """A client for reading. The sandbox's has an auditor's rights and no more; elsewhere the login decides."""
    from ggi.enforcement.cluster_stack import find_installed
    from ggi.engine.kubeapi import KubeApi
    from ggi.engine.live import as_auditor

    api = KubeApi.from_kubeconfig(*platform.kubeconfig(environment))
    if platform.sandbox is not None and find_installed(api)[0]:
        as_auditor(api)
    return api


def _live(request: AuditRequest, assessment: Assessment) -> tuple[list[Subject], LiveNamespace]:
    """What controls look at of the namespace, and everything that the cluster holds for it."""
    from ggi.controls.kinds import kind_of
    from ggi.controls.subjects import of_objects
    from ggi.engine.live import read_live

    landscape = assessment.landscape
    with _reader(request.platform, landscape.environment) as api:
        protections = _protections(request, landscape.environment, api)
        live = read_live(api, landscape.environment.namespace, landscape.hosts.values(), protections)
    if not live.objects:
        raise InputError(
            Problem(
                t("the cluster has no namespace {name}", name=landscape.environment.namespace),
                t("Bring the stack up first, or audit with `--from plan`."),
            )
        )
    return of_objects([body for body in live.objects if kind_of(body)], landscape), live


def _protections(request: AuditRequest, environment: Environment, api: KubeApi) -> dict[str, Body]:
    """What the stack of the cluster should hold: admission, and the right to read. A sandbox has one for all."""
    from ggi.enforcement.cluster_stack import find_installed

    name = find_installed(api)[0] or str(Stack(StackKind.CLUSTER, environment.cluster_name))
    wanted = request.workspace.desired_cluster(name, shared=request.platform.sandbox is not None)
    return {item.name: item.body for item in wanted.objects}


def _ran(request: AuditRequest, assessment: Assessment) -> Mapping[str, str]:
    """The releases that acceptatie of this tenant has run, by its trail on this machine, and when."""
    from ggi.assurance.trail import read_trail, trail_file

    accp = str(Stack(StackKind.LANDSCAPE, assessment.landscape.environment.tenant.id, "accp"))
    trail = read_trail(trail_file(accp, request.platform.sandbox), accp)
    done = {
        r["of"]: str(r.get("at", ""))[:10] for r in trail.records if r.get("kind") == "end" and r["outcome"] == "done"
    }
    begun = (r for r in trail.records if r.get("kind") == "begin" and r.get("operation") == "up")
    return {str(r["release"]): done[r["number"]] for r in begun if r.get("release") and r["number"] in done}


def _domains(assessment: Assessment) -> dict[str, Domain] | None:
    """What the DNS says of the environment's domain; None when this machine has no resolver."""
    from ggi.audit.domains import fetch, read_domain, system_resolver

    ask, name = system_resolver(), assessment.landscape.environment.domain
    return {name: read_domain(name, ask, fetch=fetch)} if ask is not None else None
