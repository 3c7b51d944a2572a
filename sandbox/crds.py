"""The real CRDs of the operators that a landscape counts on, taken from their Go modules, so that real schemas judge
our objects.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ggi.engine.gobuild import module_dir
from ggi.engine.gotoolchain import go_toolchain
from ggi.engine.locks import locked
from ggi.errors import WorkError
from ggi.files import write_atomically
from ggi.messages import t
from ggi.paths import cache_dir

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class CrdSource:
    """CRDs in one Go module: glob patterns of the files, relative to the module."""

    title: str
    module: str
    version: str
    patterns: tuple[str, ...]

    @property
    def cached(self) -> Path:
        """The CRDs as one JSON list; its name changes with what is taken from the module."""
        return cache_dir() / "crds" / self.module / self.version / f"{_short(self.patterns)}.json"


# Envoy Gateway 1.9 is built against Gateway API 1.6 (its go.mod); TLSRoute is in the standard channel since 1.5.
SOURCES = (
    CrdSource(
        "Gateway API",
        "sigs.k8s.io/gateway-api",
        "v1.6.1",
        ("config/crd/standard/gateway.networking.k8s.io_*.yaml",),
    ),
    CrdSource(
        "Envoy Gateway",
        "github.com/envoyproxy/gateway",
        "v1.9.1",
        ("charts/gateway-helm/charts/crds/crds/generated/gateway.envoyproxy.io_*.yaml",),
    ),
    CrdSource(
        "cert-manager",
        "github.com/cert-manager/cert-manager",
        "v1.21.2",
        ("deploy/crds/*.yaml",),
    ),
    CrdSource(
        "CloudNativePG",
        "github.com/cloudnative-pg/cloudnative-pg",
        "v1.30.0",
        ("config/crd/bases/postgresql.cnpg.io_*.yaml",),
    ),
    CrdSource(
        "External Secrets",
        "github.com/external-secrets/external-secrets",
        "v1.3.2",
        ("config/crds/bases/external-secrets.io_*.yaml",),
    ),
    CrdSource(
        "Prometheus operator",
        "github.com/prometheus-operator/prometheus-operator",
        "v0.85.0",
        tuple(
            f"example/prometheus-operator-crd/monitoring.coreos.com_{plural}.yaml"
            for plural in ("servicemonitors", "podmonitors", "prometheusrules")
        ),
    ),
)


def definitions(report: Report) -> list[dict[str, Any]]:
    """All CRDs, from the cache or else from the Go modules. Raises WorkError when a module can't be fetched."""
    with locked(cache_dir() / "crds" / ".lock", t("the CRDs"), report):
        missing = [source for source in SOURCES if not source.cached.is_file()]
        if missing:
            go = go_toolchain(report)
            for source in missing:
                report(
                    t(
                        "{name} {version}: fetching its CRDs from its Go module",
                        name=source.title,
                        version=source.version,
                    )
                )
            with ThreadPoolExecutor(max_workers=3) as pool:
                [*pool.map(lambda source: _extract(go, source), missing)]
    return [crd for source in SOURCES for crd in json.loads(source.cached.read_text())]


def _extract(go: Path, source: CrdSource) -> None:
    folder = module_dir(go, source.module, source.version)
    files = sorted(path for pattern in source.patterns for path in folder.glob(pattern))
    found = [crd for path in files for crd in _parse(path)]
    if not found:
        raise WorkError(
            t(
                "the Go module {module} {version} has no CRD at {patterns}",
                module=source.module,
                version=source.version,
                patterns=", ".join(source.patterns),
            )
        )
    write_atomically(source.cached, json.dumps(found, sort_keys=True), 0o644)


def _parse(path: Path) -> Iterator[dict[str, Any]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for document in yaml.load_all(path.read_text(), Loader=loader):
        if not document or document.get("kind") != "CustomResourceDefinition":
            continue  # such as the Gateway API's admission policy against downgrades
        # A conversion webhook would need the operator, and a status is for the server to write.
        document["spec"].pop("conversion", None)
        document.pop("status", None)
        yield document


def _short(patterns: tuple[str, ...]) -> str:
    return hashlib.sha256("\n".join(patterns).encode()).hexdigest()[:8]
