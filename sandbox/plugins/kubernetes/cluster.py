"""One API server, as the provider writes to it: creates, applies, retries, and says what it would do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from ggi.engine.kubeapi import KubeApi
from ggi.engine.kubehttp import (
    AlreadyExistsError,
    ApiError,
    BusyError,
    ConflictError,
    NotFoundError,
    ServerError,
    UnknownKindError,
    UnreachableError,
)
from ggi.errors import WorkError
from sandbox.plugins.kubernetes.managed_fields import CREATOR, PREDECESSORS, merged_managers, who, with_ignored
from sandbox.plugins.kubernetes.normalise import normalised, prune
from sandbox.plugins.kubernetes.objects import (
    CLUSTER_SCOPED,
    PATCH_FORCE,
    Object,
    at,
    is_on,
    name_of,
    namespace_of,
)

PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between attempts: about what the official plugin tolerates for a namespace or CRD that is on its way."""

GATEWAY_TIMEOUT = 504

_Result = TypeVar("_Result")


def is_field_conflict(error: ApiError) -> bool:
    """Whether somebody else manages a field: asking again would not help."""
    causes = error.details.get("causes") or []
    return any(cause.get("reason") == "FieldManagerConflict" for cause in causes)


def is_passing(error: ApiError) -> bool:
    """Whether the same request may succeed in a moment."""
    if isinstance(error, UnreachableError | BusyError | ServerError):
        return True
    return (
        isinstance(error, ConflictError) and not isinstance(error, AlreadyExistsError) and not is_field_conflict(error)
    )


def is_missing_namespace(error: ApiError) -> bool:
    """Whether a 404 is about the object's namespace."""
    return isinstance(error, NotFoundError) and error.details.get("kind") == "namespaces"


class UncertainError(WorkError):
    """A creation was sent and never answered: nobody knows whether the object was made."""


def _may_have_worked(error: ApiError) -> bool:
    return error.status == GATEWAY_TIMEOUT or (isinstance(error, UnreachableError) and error.sent)


class ClusterClient:
    """Writes to one API server through `api`. `cancelled` ends every retry."""

    def __init__(self, api: KubeApi, cancelled: threading.Event) -> None:
        self.api = api
        self._cancelled = cancelled

    def has_kind(self, obj: Object) -> bool:
        """Whether the server knows the kind of `obj` (its CRD may come later)."""
        try:
            self.api.resource(str(obj["apiVersion"]), str(obj["kind"]))
        except UnknownKindError:
            return False
        return True

    def is_namespaced(self, api_version: str, kind: str) -> bool:
        """Whether objects of this kind live in a namespace; for a kind that nobody knows yet: yes."""
        try:
            return self.api.resource(api_version, kind).namespaced
        except UnknownKindError:
            return kind not in CLUSTER_SCOPED

    def find(self, obj: Object) -> Object | None:
        """Return the live object with the identity of `obj`, or None (also when its kind is gone)."""
        try:
            return self._again(lambda: self.api.find(*_identity(obj)))
        except UnknownKindError:
            return None

    def create(self, manifest: Object, *, dry_run: bool) -> Object:
        """Create the object; a namespace or kind that is on its way is waited for.

        Raises AlreadyExistsError when somebody has made it before, UncertainError, and the other ApiErrors.
        """
        if dry_run:
            return self._again(lambda: self.api.create(manifest, field_manager=CREATOR, dry_run=True))
        started = datetime.now(UTC) - timedelta(seconds=2)
        uncertain = False

        def attempt() -> Object:
            nonlocal uncertain
            try:
                return self.api.create(manifest, field_manager=CREATOR)
            except (ServerError, UnreachableError) as error:
                uncertain = uncertain or _may_have_worked(error)
                raise
            except AlreadyExistsError:
                live = self.api.find(*_identity(manifest)) if uncertain else None
                if live is None or not _is_fresh(live, manifest, started):
                    raise
                return live

        try:
            return self._again(attempt, also=(NotFoundError,))
        except (ServerError, UnreachableError) as error:
            if uncertain:
                raise UncertainError(error.message) from error
            raise

    def upsert(self, manifest: Object, manager: str, *, dry_run: bool) -> Object:
        """Apply the object whether it exists or not (`upsertExistingObjects`)."""
        force = is_on(manifest, PATCH_FORCE) or dry_run
        return self._again(
            lambda: self.api.apply(manifest, field_manager=manager, force=force, dry_run=dry_run),
            # In a preview nobody makes the namespace, so there is nothing to wait for.
            also=() if dry_run else (NotFoundError,),
        )

    def update(
        self, manifest: Object, live: Object, manager: str, *, force: bool, ignored: list[str], dry_run: bool
    ) -> Object:
        """Apply `manifest` over `live`. Fields that are `ignored` keep their live value and manager."""
        if manifest.get("kind") == "CustomResourceDefinition":
            return self._again(lambda: self._put(manifest, dry_run=dry_run))
        if not dry_run:
            live = self._take_over(live, manager)
        wanted = with_ignored(manifest, live, manager, ignored)
        force = force or is_on(manifest, PATCH_FORCE) or not at(live, "metadata", "managedFields")
        if dry_run and not force:
            # An update would take these over first, which a dry run can't.
            force = any(who(entry) in PREDECESSORS for entry in at(live, "metadata", "managedFields") or [])
        return self._again(lambda: self.api.apply(wanted, field_manager=manager, force=force, dry_run=dry_run))

    def relinquish(self, obj: Object, manager: str) -> None:
        """Give up all fields that `manager` has."""
        minimal = {key: obj[key] for key in ("apiVersion", "kind")}
        minimal["metadata"] = {
            key: at(obj, "metadata", key) for key in ("name", "namespace") if at(obj, "metadata", key)
        }
        self._again(lambda: self.api.apply(minimal, field_manager=manager))

    def delete(self, obj: Object, propagation: Any) -> bool:
        """Ask for the deletion; False when there is nothing to delete."""
        try:
            api_version, kind, name, namespace = _identity(obj)
            return (
                self._again(lambda: self.api.delete(api_version, kind, name, namespace, propagation=propagation))
                is not None
            )
        except UnknownKindError:
            return False

    def _put(self, manifest: Object, *, dry_run: bool) -> Object:
        """Replace a CRD as a whole: the official plugin does not merge CRDs."""
        live = self.api.get(*_identity(manifest))
        metadata = manifest["metadata"] | {"resourceVersion": at(live, "metadata", "resourceVersion")}
        params = {"fieldManager": CREATOR} | ({"dryRun": "All"} if dry_run else {})
        put: Object = self.api.request(
            "PUT", self.api.path(*_identity(manifest)), body=manifest | {"metadata": metadata}, params=params
        )
        return put

    def _take_over(self, live: Object, manager: str) -> Object:
        """Let `manager` own what its predecessors own, so that applying can also remove."""
        newest: Object | None = live

        def attempt() -> Object:
            nonlocal newest
            current = newest or self.api.get(*_identity(live))
            newest = None  # after a conflict: look again
            fields = at(current, "metadata", "managedFields") or []
            if not any(who(entry) in PREDECESSORS for entry in fields):
                return current
            version = at(current, "metadata", "resourceVersion")
            patch = [
                {"op": "replace", "path": "/metadata/managedFields", "value": merged_managers(fields, manager)},
                {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
            ]
            api_version, kind, name, namespace = _identity(live)
            return self.api.patch(api_version, kind, name, patch, namespace=namespace, patch_type="json")

        return self._again(attempt)

    def _again(self, action: Callable[[], _Result], also: tuple[type[ApiError], ...] = ()) -> _Result:
        for pause in (*PAUSES, None):
            try:
                return action()
            except ApiError as error:
                if pause is None or not (is_passing(error) or isinstance(error, also)) or self._cancelled.wait(pause):
                    raise
                if isinstance(error, UnknownKindError):
                    self.api.forget_discovery()
        raise AssertionError  # the last attempt returned or raised


def _identity(obj: Object) -> tuple[str, str, str, str | None]:
    return str(obj["apiVersion"]), str(obj["kind"]), name_of(obj), namespace_of(obj) or None


def is_as_created(live: Object, manifest: Object) -> bool:
    """Whether `live` is what creating `manifest` makes: by that manager, with those values."""
    wanted = normalised(manifest)
    creators = at(live, "metadata", "managedFields") or []
    return any(who(entry) == (CREATOR, "Update") for entry in creators) and prune(live, wanted) == wanted


def _is_fresh(live: Object, manifest: Object, since: datetime) -> bool:
    """Whether `live` is what a request of ours made a moment ago, whose answer got lost."""
    made = str(at(live, "metadata", "creationTimestamp") or "")
    return made >= since.strftime("%Y-%m-%dT%H:%M:%SZ") and is_as_created(live, manifest)
