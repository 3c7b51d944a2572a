"""What a cluster with real nodes holds before anybody uses it: DNS, storage, operators; and images on its nodes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from ggi.catalogue.release import load_releases
from ggi.engine.gobuild import module_dir
from ggi.engine.gotoolchain import go_toolchain
from ggi.engine.kubeapi import KubeApi
from ggi.errors import Problem, WorkError
from ggi.files import write_atomically
from ggi.messages import t
from ggi.paths import ROOT, cache_dir
from sandbox.content import FIELD_MANAGER, Offers, cluster_objects
from sandbox.node.fabric import RealNode
from sandbox.node.images import ImageRecipe, Images, recipe_of, reference_parts
from sandbox.node.nodes import Nodes
from sandbox.node.programs import CLOUDNATIVEPG

Report = Callable[[str], None]
Manifest = dict[str, Any]

ISSUER = "sandbox-authority"
"""The ClusterIssuer of self-signed certificates from which the sandbox's own authority comes."""
READY_SECONDS = 240.0
_FOLDER = Path(__file__).resolve().parent / "cluster"
_ZONE, _HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"


def node_objects(nodes: Iterable[RealNode]) -> list[Manifest]:
    """The RealNode objects. Not made by the kubelets themselves: each has its range of pods from the start."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": node.name,
                "labels": {
                    "kubernetes.io/arch": "amd64",
                    "kubernetes.io/os": "linux",
                    _HOST: node.name,
                    "topology.kubernetes.io/region": "sandbox",
                    _ZONE: f"sandbox-{node.zone}",
                },
            },
            "spec": {"podCIDR": node.pods, "podCIDRs": [node.pods]},
        }
        for node in nodes
    ]


def manifests(offers: Offers, report: Report) -> list[Manifest]:
    """All objects of the cluster itself, in the order in which they are applied. Raises WorkError."""
    found: list[Manifest] = []
    for name in ("nodes", "dns", "cert-manager", "gateway"):
        found += [item for item in yaml.safe_load_all((_FOLDER / f"{name}.yaml").read_text()) if item]
    return [*found, *_cloudnative_pg(report), *_authority(), *(_real(item) for item in cluster_objects(offers))]


def install(api: KubeApi, items: Iterable[Manifest]) -> None:
    """Apply the objects. Raises ApiError."""
    for item in items:
        _apply(api, item)


def wait_until_ready(api: KubeApi, nodes: Nodes, report: Report) -> None:
    """Wait for nodes, DNS and operators. Raises WorkError that says what is missing."""
    give_up = time.monotonic() + READY_SECONDS
    while missing := _missing(api, nodes):
        if time.monotonic() > give_up:
            raise WorkError(
                Problem(
                    t("not ready after {seconds:.0f} s: {names}", seconds=READY_SECONDS, names=", ".join(missing)),
                    t("Look at `./ggi sandbox status` and at the logs that it names."),
                )
            )
        time.sleep(0.5)


def load_images(nodes: Nodes, store: Images, recipes: Sequence[ImageRecipe], report: Report) -> None:
    """Bring images to nodes that were made when there were others, under the names that cluster and releases use."""
    lacking = {
        node: [recipe for recipe in recipes if recipe.tag not in present]
        for node in nodes.all
        for present in [frozenset(nodes.ctr(node, "images", "ls", "-q").split())]
    }
    wanted = {recipe.name: recipe for missing in lacking.values() for recipe in missing}
    if wanted:
        archive = store.podman.work / "images.tar"
        report(t("bringing images to the nodes: {count}", count=len(wanted)))
        store.save(wanted.values(), archive)
        for node, missing in lacking.items():
            if missing:
                nodes.ctr(node, "images", "import", str(archive))
        archive.unlink()
    for node in nodes.all:
        present = frozenset(nodes.ctr(node, "images", "ls", "-q").split())
        for name, recipe in names(recipes).items():
            if name not in present or recipe.name in wanted:
                nodes.ctr(node, "images", "tag", "--force", recipe.tag, name)


def names(recipes: Iterable[ImageRecipe]) -> dict[str, ImageRecipe]:
    """Every name of an image that the cluster's own objects or a release use and that one of `recipes` stands for."""
    chosen = {recipe.name for recipe in recipes}
    releases = load_releases([(ROOT / "stacks" / "releases", "stacks/releases")])
    named = {
        image.reference
        for release in releases.values()
        for images in (*(v.images for v in release.model.components.values()), release.model.tools)
        for image in images.values()
    }
    named |= {
        *("registry.k8s.io/pause:3.10.1", "registry.k8s.io/coredns/coredns:v1.15.0"),
        *("ghcr.io/cloudnative-pg/cloudnative-pg:1.30.0", "quay.io/jetstack/cert-manager-controller:v1.21.2"),
        *("docker.io/envoyproxy/gateway:v1.9.1", "docker.io/envoyproxy/envoy:v1.40.0"),
    }
    found = {reference: recipe_of(reference) for reference in sorted(named)}
    return {
        name: recipe
        for reference, recipe in found.items()
        if recipe is not None and recipe.name in chosen
        for name in _names(reference)
    }


def _names(reference: str) -> tuple[str, ...]:
    """The names under which a node may look an image up: with a digest, the tag is left out."""
    repository, rest = reference_parts(reference)
    _, at, digest = rest.partition("@")
    return (reference, f"{repository}@{digest}") if at else (reference,)


def _apply(api: KubeApi, item: Manifest) -> None:
    api.apply(item, field_manager=FIELD_MANAGER, force=True)


def _real(item: Manifest) -> Manifest:
    """An object of the simulated cluster as it is where something is behind it."""
    item["metadata"].get("annotations", {}).pop("sandbox.ggi/simulated", None)
    if item["kind"] == "StorageClass":
        item["volumeBindingMode"] = "Immediate" if item["provisioner"].startswith("shared") else "WaitForFirstConsumer"
    if item["kind"] == "ClusterIssuer":
        item["spec"] = {"ca": {"secretName": ISSUER}}
    return item


def _authority() -> list[Manifest]:
    """A certificate authority of the sandbox's own, in place of a public one."""
    api = "cert-manager.io/v1"
    spec = {
        "isCA": True,
        "commonName": "Sandbox authority",
        "secretName": ISSUER,
        "duration": "87600h",
        "privateKey": {"algorithm": "ECDSA", "size": 256},
        "issuerRef": {"kind": "ClusterIssuer", "name": ISSUER},
    }
    return [
        {"apiVersion": api, "kind": "ClusterIssuer", "metadata": {"name": ISSUER}, "spec": {"selfSigned": {}}},
        {
            "apiVersion": api,
            "kind": "Certificate",
            "metadata": {"name": ISSUER, "namespace": "cert-manager"},
            "spec": spec,
        },
    ]


def _cloudnative_pg(report: Report) -> list[Manifest]:
    """The operator's own release manifest, from its Go module; its CRDs are there already (`sandbox.crds`)."""
    version = CLOUDNATIVEPG.version
    cached = cache_dir() / "node" / f"cloudnative-pg-{version}.json"
    if not cached.is_file():
        folder = module_dir(go_toolchain(report), CLOUDNATIVEPG.source.module, CLOUDNATIVEPG.source.version)
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        text = (folder / "releases" / f"cnpg-{version}.yaml").read_text()
        found = [x for x in yaml.load_all(text, Loader=loader) if x and x["kind"] != "CustomResourceDefinition"]
        for item in found:
            if item["kind"] == "Deployment":
                for container in item["spec"]["template"]["spec"]["containers"]:
                    # The image is here and nowhere else.
                    container["imagePullPolicy"] = "IfNotPresent"
        write_atomically(cached, json.dumps(found), 0o644)
    items: list[Manifest] = json.loads(cached.read_text())
    return items


def _missing(api: KubeApi, nodes: Nodes) -> list[str]:
    found = []
    for node in api.list("v1", "Node"):
        conditions = {c["type"]: c["status"] for c in (node.get("status") or {}).get("conditions") or ()}
        if conditions.get("Ready") != "True":
            found.append(node["metadata"]["name"])
    for namespace in ("kube-system", "cert-manager", "cnpg-system", "envoy-gateway-system"):
        for item in api.list("apps/v1", "Deployment", namespace):
            if (item.get("status") or {}).get("availableReplicas", 0) < item["spec"].get("replicas", 1):
                found.append(f"{namespace}/{item['metadata']['name']}")
    if not api.find("v1", "Secret", ISSUER, "cert-manager"):
        found.append(f"cert-manager/{ISSUER}")
    return found
