"""What a cluster with real nodes holds before anybody uses it: DNS, storage, operators; and images on its nodes."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from string import Template
from typing import Any

import yaml

from ggi.catalogue.release import load_releases
from ggi.engine.gobuild import module_dir
from ggi.engine.gotoolchain import go_toolchain
from ggi.engine.kubeapi import KubeApi
from ggi.engine.tools import Resolved
from ggi.errors import Problem, WorkError
from ggi.files import write_atomically
from ggi.messages import t
from ggi.paths import ROOT, cache_dir
from sandbox.content import FIELD_MANAGER, Offers, cluster_objects
from sandbox.node.fabric import RealNode
from sandbox.node.images import ENVOY_VERSION, PAUSE, ImageRecipe, Images, recipe_of, reference_parts
from sandbox.node.nodes import Nodes, Plan
from sandbox.node.programs import CLOUDNATIVEPG, IN_PODS
from sandbox.node.pulled import PulledImage, pull
from sandbox.node.stock import Image

Report = Callable[[str], None]
Manifest = dict[str, Any]

ISSUER = "sandbox-authority"
"""The ClusterIssuer of self-signed certificates from which the sandbox's own authority comes."""
READY_SECONDS = 240.0
_FOLDER = Path(__file__).resolve().parent / "cluster"
_IMAGE = re.compile(r"\bimage: \"?([^\s\"}]+)")


def node_objects(nodes: Iterable[RealNode]) -> list[Manifest]:
    """The Node objects. Not made by the kubelets themselves: each has its range of pods from the start."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": node.name,
                "labels": {
                    "kubernetes.io/arch": "amd64",
                    "kubernetes.io/os": "linux",
                    "kubernetes.io/hostname": node.name,
                    "topology.kubernetes.io/region": "sandbox",
                    "topology.kubernetes.io/zone": f"sandbox-{node.zone}",
                },
            },
            "spec": {"podCIDR": node.pods, "podCIDRs": [node.pods]},
        }
        for node in nodes
    ]


def manifests(offers: Offers, plan: Plan, report: Report) -> list[Manifest]:
    """All objects of the cluster itself, in the order in which they are applied. Raises WorkError."""
    found: list[Manifest] = []
    for name in ("nodes", "dns", "cert-manager", "gateway"):
        found += [item for item in yaml.safe_load_all(_text(_FOLDER / f"{name}.yaml")) if item]
    return [
        *found,
        _outside(plan),
        *_cloudnative_pg(report),
        *_authority(),
        *(_real(item) for item in cluster_objects(offers)),
    ]


def _outside(plan: Plan) -> Manifest:
    """Names of what is outside, as a resolver of the organisation would know them (CoreDNS, plugin `hosts`)."""
    lines = [f"    {address} {host}" for host, address in (pair for pair in (plan.mail, plan.directory) if pair)]
    text = "\n".join(["hosts {", *lines, "    fallthrough", "}", ""])
    metadata = {"name": "sandbox-outside", "namespace": "kube-system"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"outside.override": text}}


def install(api: KubeApi, items: Iterable[Manifest]) -> None:
    """Apply the objects. Raises ApiError."""
    for item in items:
        api.apply(item, field_manager=FIELD_MANAGER, force=True)


def wait_until_ready(api: KubeApi, nodes: Nodes) -> None:
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


def load_images(nodes: Nodes, store: Images, programs: Mapping[str, Resolved], report: Report) -> None:
    """Bring images to nodes that were made when there were others, under the names that cluster and releases use.

    Registries are asked only for what a node lacks. What runs on it stays what it is until the sandbox is reset.
    """
    present = {node: frozenset(nodes.ctr(node, "images", "ls", "-q").split()) for node in nodes.all}
    everywhere = frozenset.intersection(*present.values())
    there = {name: PulledImage(name) for name in of_releases() if PulledImage(name).tag in everywhere}
    named = names(there | pull((name for name in of_releases() if name not in everywhere), store, report))
    wanted = [image for image in set(named.values()) if any(image.tag not in found for found in present.values())]
    if wanted:
        store.ensure([image for image in wanted if isinstance(image, ImageRecipe)], programs, report)
        archive = store.podman.work / "images.tar"
        report(t("bringing images to the nodes: {count}", count=len(wanted)))
        store.save((image.tag for image in wanted), archive)
        for node, found in present.items():
            if any(image.tag not in found for image in wanted):
                nodes.ctr(node, "images", "import", str(archive))
        archive.unlink()
    for node, found in present.items():
        for name, image in named.items():
            if name not in found or image in wanted:
                nodes.ctr(node, "images", "tag", "--force", image.tag, name)


def of_releases() -> frozenset[str]:
    """The images of all components and tools of all releases, as they name them."""
    releases = load_releases([(ROOT / "stacks" / "releases", "stacks/releases")])
    return frozenset(
        image.reference
        for release in releases.values()
        for images in (*(v.images for v in release.model.components.values()), release.model.tools)
        for image in images.values()
    )


def names(pulled: Mapping[str, PulledImage]) -> dict[str, Image]:
    """Every name of an image that the cluster's own objects or a release use, and what a node gets under it.

    That is the image itself where it was `pulled` (by reference), else what a recipe makes; without either, nothing.
    """
    named = {*of_releases(), PAUSE, f"ghcr.io/cloudnative-pg/cloudnative-pg:{CLOUDNATIVEPG.version}"}
    named |= {found for path in _FOLDER.glob("*.yaml") for found in _IMAGE.findall(_text(path))}
    found: dict[str, Image | None] = {name: pulled.get(name) or recipe_of(name) for name in sorted(named)}
    return {name: image for reference, image in found.items() if image is not None for name in _names(reference)}


def _names(reference: str) -> tuple[str, ...]:
    """The names under which a node may look an image up: with a digest, the tag is left out."""
    repository, rest = reference_parts(reference)
    _, at, digest = rest.partition("@")
    return (reference, f"{repository}@{digest}") if at else (reference,)


def _text(path: Path) -> str:
    """A file of the cluster's own objects, with the versions of what is built here."""
    versions = {tool.name.replace("-", "_"): tool.version for tool in IN_PODS}
    return Template(path.read_text()).substitute(versions, envoy=ENVOY_VERSION)


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
