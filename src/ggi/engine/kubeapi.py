"""A thin, typed client for a Kubernetes API server: raw objects in, raw objects out.

Synchronous; one instance may be used by many threads and keeps its connections. Kinds are looked up in the API's
own discovery, so custom resources need no code. Authentication is lightkube's (certificates, tokens, exec plugins).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from ggi.engine.kubehttp import (
    DEFAULT_TIMEOUT,
    ApiError,
    Connection,
    NotFoundError,
    UnknownKindError,
    connect,
    read_kubeconfig,
)
from ggi.messages import t

if TYPE_CHECKING:
    import httpx2


# v2 since Kubernetes 1.30, v2beta1 since 1.26.
_ACCEPT = ",".join(
    f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList" for version in ("v2", "v2beta1")
)


@dataclass(frozen=True, slots=True)
class ResourceType:
    """One kind in one version. `api_version` is as in manifests: `v1`, `apps/v1`."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str]
    subresources: frozenset[str]
    preferred: bool
    """Whether this is the version that the server prefers for this kind."""

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        return self.api_version.partition("/")[0] if "/" in self.api_version else ""

    def collection(self, namespace: str | None = None) -> str:
        """The URL path of all objects, in one namespace when given and when the kind is namespaced."""
        root = f"/apis/{self.api_version}" if self.group else f"/api/{self.api_version}"
        if self.namespaced and namespace:
            root += f"/namespaces/{namespace}"
        return f"{root}/{self.plural}"

    def path(self, name: str = "", namespace: str | None = None, subresource: str = "") -> str:
        """The URL path of one object, or of the collection that creates it. The namespace defaults to `default`."""
        path = self.collection(namespace or "default")
        return path + (f"/{name}" if name else "") + (f"/{subresource}" if subresource else "")


class Discovery:
    """The server's kinds, fetched at first use and again when a kind is not found."""

    def __init__(self, request: Callable[..., Any]) -> None:
        self._request = request
        self._found: dict[tuple[str, str], ResourceType] = {}

    def forget(self) -> None:
        """Fetch anew at the next look-up."""
        self._found = {}

    def all(self) -> list[ResourceType]:
        """Every kind that the server has."""
        self._load()
        return [*self._found.values()]

    def find(self, api_version: str, kind: str) -> ResourceType:
        """The resource for `kind`; raises UnknownKindError."""
        key = (api_version, kind)
        if key not in self._found:
            self._load()
        if key not in self._found:
            versions = sorted(version for version, other in self._found if other == kind)
            fix = t("Install the CRD that defines it.")
            if versions:
                fix = t("The server has {kind} as {versions}.", kind=kind, versions=", ".join(versions))
            message = t("the API server has no kind {kind} in {version}", kind=kind, version=api_version)
            raise UnknownKindError(404, "UnknownKind", message, fix=fix)
        return self._found[key]

    def _load(self) -> None:
        found: dict[tuple[str, str], ResourceType] = {}
        for root in ("/api", "/apis"):
            for resource in _parse(self._request("GET", root, accept=_ACCEPT)):
                found[resource.api_version, resource.kind] = resource
        self._found = found


def _parse(answer: dict[str, Any]) -> Iterator[ResourceType]:
    for group in answer.get("items") or []:
        name = (group.get("metadata") or {}).get("name", "")
        kinds_seen: set[str] = set()
        for version in group.get("versions") or []:
            api_version = f"{name}/{version['version']}" if name else version["version"]
            for resource in version.get("resources") or []:
                kind = (resource.get("responseKind") or {}).get("kind")
                if not kind:
                    continue
                yield ResourceType(
                    api_version=api_version,
                    kind=kind,
                    plural=resource["resource"],
                    namespaced=resource.get("scope") == "Namespaced",
                    verbs=frozenset(resource.get("verbs") or ()),
                    subresources=frozenset(s["subresource"] for s in resource.get("subresources") or ()),
                    # Versions come in the server's order of preference.
                    preferred=kind not in kinds_seen,
                )
                kinds_seen.add(kind)


Object = dict[str, Any]
"""A Kubernetes object as JSON: apiVersion, kind, metadata and whatever the kind holds."""

PAGE = 500
"""Objects in one page of a list, as kubectl asks for."""

PATCH_TYPES = {
    "apply": "application/apply-patch+yaml",
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}


class KubeApi:
    """One API server, seen with one context of a kubeconfig."""

    def __init__(
        self,
        http: httpx2.Client,
        *,
        context: str = "",
        patience: float = 15.0,
        on_warning: Callable[[str], None] | None = None,
    ) -> None:
        """A busy server (429, 502-504) is asked again for `patience` seconds; `on_warning` gets its warnings."""
        self.http = http
        self.context = context
        self._connection = Connection(http, patience, on_warning)
        self.server = self._connection.server
        self._discovery = Discovery(self.request)
        self._lock = threading.Lock()

    @classmethod
    def from_kubeconfig(
        cls,
        path: Path | str,
        context: str | None = None,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        patience: float = 15.0,
        on_warning: Callable[[str], None] | None = None,
    ) -> Self:
        """A client for `context` (default: the current one) of the kubeconfig file `path`. Nothing is sent yet.

        `path` may be a list as in KUBECONFIG: the first file that has the context counts.

        Raises InputError when the file, the context or the way of logging in can't be used.
        """
        http, name = connect(lambda: read_kubeconfig(path, context), str(path), context, timeout)
        return cls(http, context=name, patience=patience, on_warning=on_warning)

    @classmethod
    def from_mapping(
        cls,
        settings: Mapping[str, Any],
        file: Path | str | None = None,
        context: str | None = None,
    ) -> Self:
        """As `from_kubeconfig`, for a kubeconfig that is already read; files that it names are relative to `file`."""
        from lightkube.config.kubeconfig import KubeConfig

        def load() -> KubeConfig:
            return KubeConfig.from_dict(dict(settings), fname=file)

        http, name = connect(load, str(file or "kubeconfig"), context, DEFAULT_TIMEOUT)
        return cls(http, context=name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self.http.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        params: Mapping[str, str] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Any:
        """Send one request and return the decoded answer; see `Connection.request`."""
        return self._connection.request(
            method, path, body=body, params=params, content_type=content_type, accept=accept
        )

    # -- discovery ---------------------------------------------------------------------------------------------------

    def resource(self, api_version: str, kind: str) -> ResourceType:
        """What the server calls `kind`. Asks anew once when unknown (a CRD may be new). Raises UnknownKindError."""
        with self._lock:
            return self._discovery.find(api_version, kind)

    def resource_types(self) -> list[ResourceType]:
        """Everything that the server serves, preferred version of each group first."""
        with self._lock:
            return self._discovery.all()

    def forget_discovery(self) -> None:
        """Ask the server anew at the next look-up, for example after CRDs were removed."""
        with self._lock:
            self._discovery.forget()

    def path(
        self, api_version: str, kind: str, name: str = "", namespace: str | None = None, subresource: str = ""
    ) -> str:
        """The URL path of an object or, without `name`, of its collection."""
        return self.resource(api_version, kind).path(name, namespace, subresource)

    # -- objects -----------------------------------------------------------------------------------------------------

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object:
        """One object. Raises NotFoundError."""
        found: Object = self.request("GET", self.path(api_version, kind, name, namespace))
        return found

    def find(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """One object, or None when there is none. A kind that the server does not have raises UnknownKindError."""
        path = self.path(api_version, kind, name, namespace)
        try:
            found: Object = self.request("GET", path)
        except NotFoundError:
            return None
        return found

    def each(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
    ) -> Iterator[Object]:
        """All objects that match the selectors, page by page; without `namespace` those of all namespaces."""
        path = self.resource(api_version, kind).collection(namespace)
        params = {"limit": str(PAGE)}
        if labels:
            params["labelSelector"] = labels
        if fields:
            params["fieldSelector"] = fields
        while True:
            page = self.request("GET", path, params=params)
            for item in page.get("items") or []:
                yield {"apiVersion": api_version, "kind": kind, **item}
            if not (token := (page.get("metadata") or {}).get("continue")):
                return
            params["continue"] = token

    def list(
        self, api_version: str, kind: str, namespace: str | None = None, *, labels: str = "", fields: str = ""
    ) -> list[Object]:
        """All objects that match, as `each` yields them."""
        return [*self.each(api_version, kind, namespace, labels=labels, fields=fields)]

    def apply(
        self,
        manifest: Mapping[str, Any],
        *,
        field_manager: str,
        force: bool = False,
        dry_run: bool = False,
        subresource: str = "",
        namespace: str | None = None,
    ) -> Object:
        """Server-side apply of `manifest`; returns the object as the server has it (`dry_run`: would have it).

        Without `force`, a field that another manager owns raises ConflictError. `namespace` counts when the manifest
        names none.
        """
        metadata = manifest["metadata"]
        where = metadata.get("namespace") or namespace
        params = {"fieldManager": field_manager, "force": "true" if force else "false"} | _dry(dry_run)
        path = self.path(manifest["apiVersion"], manifest["kind"], metadata["name"], where, subresource)
        made: Object = self.request(
            "PATCH", path, body=dict(manifest), params=params, content_type=PATCH_TYPES["apply"]
        )
        return made

    def create(
        self,
        manifest: Mapping[str, Any],
        *,
        field_manager: str = "",
        dry_run: bool = False,
        namespace: str | None = None,
    ) -> Object:
        """Create `manifest`; raises AlreadyExistsError when the name is taken."""
        where = manifest["metadata"].get("namespace") or namespace
        params = ({"fieldManager": field_manager} if field_manager else {}) | _dry(dry_run)
        path = self.path(manifest["apiVersion"], manifest["kind"], "", where)
        made: Object = self.request("POST", path, body=dict(manifest), params=params)
        return made

    def patch(
        self,
        api_version: str,
        kind: str,
        name: str,
        patch: Any,
        *,
        namespace: str | None = None,
        patch_type: Literal["merge", "json", "strategic"] = "merge",
        field_manager: str = "",
        dry_run: bool = False,
        subresource: str = "",
    ) -> Object:
        """Change an existing object; `patch` is a mapping, or for `json` a list of operations. Raises NotFoundError."""
        params = ({"fieldManager": field_manager} if field_manager else {}) | _dry(dry_run)
        path = self.path(api_version, kind, name, namespace, subresource)
        made: Object = self.request("PATCH", path, body=patch, params=params, content_type=PATCH_TYPES[patch_type])
        return made

    def delete(
        self,
        api_version: str,
        kind: str,
        name: str,
        namespace: str | None = None,
        *,
        propagation: Literal["Background", "Foreground", "Orphan"] = "Background",
        uid: str = "",
        grace_seconds: int | None = None,
        dry_run: bool = False,
    ) -> Object | None:
        """Delete an object; None when there is none. With `uid`, another object of that name raises ConflictError."""
        options: dict[str, Any] = {"propagationPolicy": propagation}
        if uid:
            options["preconditions"] = {"uid": uid}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        try:
            gone: Object = self.request(
                "DELETE", self.path(api_version, kind, name, namespace), body=options, params=_dry(dry_run)
            )
        except NotFoundError:
            return None
        return gone

    # -- the server itself -------------------------------------------------------------------------------------------

    def version(self) -> str:
        """The server's version, such as `v1.36.3`."""
        return str(self.request("GET", "/version")["gitVersion"])

    def cluster_uid(self) -> str:
        """The identity of the cluster: the uid of kube-system, a namespace that lives as long as the cluster."""
        return str(self.get("v1", "Namespace", "kube-system")["metadata"]["uid"])

    def is_ready(self) -> bool:
        """Whether the server answers and says that it is ready. Never waits for a busy one and never raises for it."""
        try:
            Connection(self.http, 0, None).request("GET", "/readyz", accept="*/*")
        except ApiError:
            return False
        return True


def _dry(dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}
