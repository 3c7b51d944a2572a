"""Which kinds an API server has and how their URLs are made: its own aggregated discovery, in two requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ggi.engine.kubeerrors import UnknownKindError
from ggi.messages import t

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
