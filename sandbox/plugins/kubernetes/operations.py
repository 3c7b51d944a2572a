"""What the provider does with one resource: check, compare, create, read, update, delete. No gRPC here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ggi.engine.kubehttp import AlreadyExistsError, ApiError, ForbiddenError
from ggi.errors import Problem, WorkError
from sandbox.plugins.kubernetes import objects
from sandbox.plugins.kubernetes.checking import checked
from sandbox.plugins.kubernetes.cluster import (
    ClusterClient,
    UncertainError,
    is_as_created,
    is_field_conflict,
    is_missing_namespace,
)
from sandbox.plugins.kubernetes.diff import ChangeKind, Difference, Differences, compare
from sandbox.plugins.kubernetes.normalise import normalised, prune
from sandbox.plugins.kubernetes.objects import Object, at, full_name, name_of, namespace_of
from sandbox.plugins.kubernetes.replace import fixed_fields
from sandbox.plugins.kubernetes.settings import ProviderSettings
from sandbox.plugins.kubernetes.state import Checkpoint, checkpoint, field_manager, manifest, marked, parse, properties
from sandbox.plugins.kubernetes.wait_for import conditions_of
from sandbox.plugins.kubernetes.waiting import NotReadyError, Waiter, propagation
from sandbox.plugins.kubernetes.wire import has_unknown

Properties = dict[str, Any]


class PartialError(Exception):
    """The object is there, but not as it should be: what is known of it goes into the state all the same."""

    def __init__(
        self, message: str, reasons: list[str], resource_id: str, state: Properties, inputs: Properties
    ) -> None:
        super().__init__(message)
        self.reasons = [message, *reasons]
        self.resource_id = resource_id
        self.state = state
        self.inputs = inputs


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome of a diff."""

    differences: Differences
    replaces: list[str]
    delete_first: bool


@dataclass(frozen=True, slots=True)
class Live:
    """What a read found: the id, the state to store and the inputs as they are now."""

    resource_id: str
    state: Properties
    inputs: Properties


def _unreachable(reason: str) -> WorkError:
    return WorkError(Problem(f"The configured Kubernetes cluster is unreachable: {reason}"))


class Operations:
    """All of it for one configured provider. `cluster` is None when the server can't be reached (`reason` says why)."""

    def __init__(
        self,
        settings: ProviderSettings,
        default_namespace: str,
        cluster: ClusterClient | None,
        waiter: Waiter | None,
        reason: str = "",
    ) -> None:
        self.settings = settings
        self.default_namespace = default_namespace
        self.cluster = cluster
        self.waiter = waiter
        self.reason = reason

    def _reached(self) -> tuple[ClusterClient, Waiter]:
        if self.cluster is None or self.waiter is None:
            raise _unreachable(self.reason)
        return self.cluster, self.waiter

    def _is_namespaced(self, obj: Object) -> bool:
        kind = str(obj.get("kind"))
        if self.cluster is None:
            return kind not in objects.CLUSTER_SCOPED
        return self.cluster.is_namespaced(str(obj.get("apiVersion")), kind)

    def check(self, urn: str, old: Properties, new: Properties, seed: bytes, proposed: str | None) -> Properties:
        """Return the inputs as they will be used; `proposed` is the engine's name for an object without one."""
        return checked(
            urn,
            old,
            new,
            seed=seed,
            proposed=proposed,
            default_namespace=self.default_namespace,
            is_namespaced=self._is_namespaced,
        )

    def compare(self, old: Properties, new: Properties, ignored: list[str]) -> Comparison:
        """Return what changes from the state `old` to the inputs `new`. Sends nothing to the server."""
        before = parse(old)
        wanted = normalised(manifest(new))
        current: Object = prune(before.live, normalised(before.inputs))
        for obj in (current, wanted):
            metadata = obj.setdefault("metadata", {})
            if not isinstance(metadata, dict):
                continue
            if self._is_namespaced(wanted):
                metadata["namespace"] = metadata.get("namespace") or "default"
            else:
                metadata.pop("namespace", None)
        current.setdefault("apiVersion", wanted.get("apiVersion"))
        current.setdefault("kind", wanted.get("kind"))
        if at(wanted, "metadata", "name"):
            current["metadata"]["name"] = name_of(before.live)
        differences = compare(current, wanted, fixed_fields(wanted, self.settings.mutability))
        differences.ignore(ignored)
        replaces = differences.replaces
        lost = differences.found.get("metadata")
        if lost is not None and lost.change is ChangeKind.DELETE:
            replaces.append("metadata")
        if self._replaces_unready(wanted, before.live):
            path = f'metadata.annotations["{objects.REPLACE_UNREADY}"]'
            differences.found[path] = Difference(("metadata",), ChangeKind.UPDATE, replaces=True)
            replaces.append(path)
        # A chosen name in the same place is taken until the old object is gone.
        same_place = full_name(wanted) == full_name(before.live)
        delete_first = bool(replaces) and same_place and not objects.is_on(wanted, objects.AUTONAMED)
        return Comparison(differences, replaces, delete_first)

    def _replaces_unready(self, wanted: Object, live: Object) -> bool:
        if not objects.is_on(wanted, objects.REPLACE_UNREADY) or wanted.get("kind") != "Job":
            return False
        if self.cluster is None or self.waiter is None:
            return False
        now = self.cluster.find(live)
        return now is not None and not self.waiter.is_ready(now, {}).ready

    def create(self, urn: str, new: Properties, timeout: float, *, preview: bool) -> tuple[str, Properties]:
        """Create the object and wait for it; return its id ('' in a preview) and state.

        Raises PartialError when it was made but did not become ready, WorkError when it was not made.
        """
        wanted = manifest(new)
        if preview and (self.cluster is None or has_unknown(wanted) or not self.cluster.has_kind(wanted)):
            return "", new
        cluster, waiter = self._reached()
        conditions_of(wanted)  # a wrong one is refused before anything is written
        manager = field_manager(urn, "", wanted)
        api_version = str(wanted["apiVersion"])
        try:
            if self.settings.upsert:
                made = cluster.upsert(wanted, manager, dry_run=preview)
            else:
                made = cluster.create(wanted, dry_run=preview)
        except (AlreadyExistsError, ForbiddenError) as error:
            if preview:
                # A replacement under the same name, or no right to try: the update will tell.
                return "", new
            raise _explained(error, wanted) from error
        except UncertainError as error:
            # Kept in the state: the next refresh finds out whether it is there.
            message = f"{_title(wanted)}: it is not known whether it was made: {error}"
            raise PartialError(
                message, [], full_name(wanted), checkpoint(wanted, wanted, new, api_version, manager), {}
            ) from error
        except ApiError as error:
            if preview and is_missing_namespace(error):
                return "", new
            raise
        if preview:
            made.pop("status", None)
            return "", checkpoint(made, wanted, new, api_version, manager)
        try:
            live = waiter.until_ready(urn, made, wanted, timeout)
        except NotReadyError as error:
            state = checkpoint(error.live, wanted, new, api_version, manager)
            raise PartialError(error.message, error.reasons, full_name(made), state, {}) from error
        return full_name(live), checkpoint(live, wanted, new, api_version, manager)

    def read(self, urn: str, resource_id: str, old: Properties, inputs: Properties) -> Live | None:
        """Return the live object of `resource_id`, or None when there is none. Raises PartialError when not ready."""
        if self.cluster is None:
            if self.settings.delete_unreachable:
                return None
            if self.settings.skip_update_unreachable:
                return Live(resource_id, old, inputs)
        cluster, waiter = self._reached()
        before = parse(old)
        known = manifest(inputs)
        shape = normalised(known)
        target = _target(urn, resource_id, before, shape)
        live = cluster.find(target)
        if live is None:
            return None
        if before.live.get("kind") and not at(before.live, "metadata", "uid") and not is_as_created(live, before.live):
            return None  # our creation was never answered, and this is somebody else's
        is_import = not known.get("kind")
        now: Object = _importable(live) if is_import else prune(live, shape)
        manager = field_manager(urn, before.field_manager, known)
        api_version = before.api_version or str(target["apiVersion"])
        state = checkpoint(live, now, inputs, api_version, manager)
        found = Live(resource_id, state, marked(properties(now), inputs))
        if not is_import:
            verdict = waiter.is_ready(live, known)
            if not verdict.ready:
                message = f"{live['kind']} {full_name(live)} is not ready: {verdict.message}"
                raise PartialError(message, [], resource_id, found.state, found.inputs)
        return found

    def update(
        self, urn: str, old: Properties, new: Properties, timeout: float, ignored: list[str], *, preview: bool
    ) -> Properties:
        """Apply the inputs `new` over the object of state `old`, wait for it, return the new state.

        Raises PartialError when the object is there but was not changed or did not become ready.
        """
        wanted = normalised(manifest(new))
        if preview and (self.cluster is None or has_unknown(wanted) or not self.cluster.has_kind(wanted)):
            return new
        cluster, waiter = self._reached()
        conditions_of(wanted)
        before = parse(old)
        manager = field_manager(urn, before.field_manager, wanted)
        live = cluster.find(before.live)
        if live is None:
            raise WorkError(Problem(f"{_title(before.live)} is gone", "Run a refresh: the next update makes it again."))

        def state(obj: Object) -> Properties:
            return checkpoint(obj, wanted, new, before.api_version, manager)

        try:
            made = cluster.update(
                wanted, live, manager, force=self.settings.patch_force, ignored=ignored, dry_run=preview
            )
        except ForbiddenError as error:
            if preview:
                return new
            raise PartialError(str(_explained(error, wanted)), [], full_name(live), state(live), {}) from error
        except ApiError as error:
            now = cluster.find(before.live) or live
            raise PartialError(str(_explained(error, wanted)), [], full_name(live), state(now), {}) from error
        if preview:
            return state(made)
        try:
            ready = waiter.until_ready(urn, made, wanted, timeout)
        except NotReadyError as error:
            raise PartialError(error.message, error.reasons, full_name(made), state(error.live), {}) from error
        if before.field_manager and before.field_manager != manager:
            cluster.relinquish(ready, before.field_manager)
        return state(ready)

    def delete(self, urn: str, old: Properties, timeout: float) -> None:
        """Delete the object and wait until it is gone. Raises PartialError when it stays."""
        if self.cluster is None and self.settings.delete_unreachable:
            return
        cluster, waiter = self._reached()
        before = parse(old)
        if not cluster.delete(before.live, propagation(before.inputs)):
            return
        try:
            waiter.until_gone(urn, before.live, before.inputs, timeout)
        except NotReadyError as error:
            raise PartialError(error.message, error.reasons, full_name(error.live), old, {}) from error


def _target(urn: str, resource_id: str, before: Checkpoint, shape: Object) -> Object:
    """Return the identity to look for: what the state says, else the type and the id."""
    namespace, name = objects.split_id(resource_id)
    if before.live.get("kind"):
        api_version, kind = before.live["apiVersion"], before.live["kind"]
    elif shape.get("kind"):
        api_version, kind = shape["apiVersion"], shape["kind"]
    else:
        api_version, kind = objects.kind_of_type(objects.type_of(urn))
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace}}


def _importable(live: Object) -> Object:
    """Return what a person would have written for `live`: all but what the server and its controllers write."""
    inputs = {key: value for key, value in normalised(live).items() if key != "status"}
    annotations = at(inputs, "metadata", "annotations")
    if isinstance(annotations, dict):
        for key in ("deployment.kubernetes.io/revision", objects.LAST_APPLIED):
            annotations.pop(key, None)
    return inputs


def _title(obj: Object) -> str:
    return f"{obj.get('kind')} {full_name(obj)}"


def _explained(error: ApiError, wanted: Object) -> WorkError:
    fix = ""
    if isinstance(error, AlreadyExistsError):
        fix = "It was not made by this stack. Adopt it with `pulumi import`, rename yours, or remove it."
    elif is_field_conflict(error):
        fix = f'Somebody else manages these fields. Set the annotation {objects.PATCH_FORCE}: "true" to take them over.'
    where = f" in {namespace_of(wanted)}" if namespace_of(wanted) else ""
    return WorkError(Problem(f"{wanted.get('kind')} {name_of(wanted)}{where}: {error.message}", fix))
