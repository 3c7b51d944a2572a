"""What the images that run on real nodes are, by the labels that they carry: asked of the nodes, never assumed.

The name of an image says nothing: a node finds any content under `name:tag@sha256:...` that was tagged so.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ggi.app.running import ImageKind, RunningImage, worst
from ggi.engine.kubeapi import KubeApi
from ggi.errors import GgiError
from ggi.messages import mark
from sandbox.layout import SIMULATED, Layout
from sandbox.node.images import LABEL, PROGRAM, RECIPE, SAYS, STAND_IN, VERSION
from sandbox.node.nodes import Nodes

Ctr = Callable[[str, Sequence[str]], str]
"""What `ctr` prints on a node (its name) when it is asked with these words. Raises GgiError."""
Manifest = Mapping[str, Any]

SENTENCES: Mapping[ImageKind | None, str] = {
    None: mark("pods run on real nodes; no landscape runs on them yet"),
    ImageKind.STAND_IN: mark("pods run on real nodes; some images are stand-ins"),
    ImageKind.PACKED: mark("pods run on real nodes; some images are packed here, none is a stand-in"),
    ImageKind.RELEASE: mark("pods run on real nodes; all images are those of the release"),
    ImageKind.UNKNOWN: mark("pods run on real nodes; which images are stand-ins is not known"),
}
"""What isn't real, by what is said of all images together."""
_KINDS = {PROGRAM: ImageKind.PACKED, STAND_IN: ImageKind.STAND_IN}
_SECONDS = 30


def simulated(name: str) -> str:
    """What isn't real in the sandbox `name`, in English and marked for translation, from what runs in it now.

    Belongs, translated, in every status and closing line about a sandbox.
    """
    layout = Layout.of(name)
    if not layout.real:
        return SIMULATED
    try:
        with KubeApi.from_kubeconfig(layout.kubeconfig, layout.context, timeout=10.0, patience=0) as api:
            spaces = [item["metadata"]["name"] for item in api.list("v1", "Namespace", labels="ggi/stack")]
            pods = [pod for space in spaces for pod in api.list("v1", "Pod", space)]
    except (GgiError, OSError):
        return SENTENCES[ImageKind.UNKNOWN]
    return SENTENCES[worst(image.kind for image in images_of(pods, _on(Nodes(layout))))]


def running_images(name: str, api: KubeApi, namespace: str) -> list[RunningImage]:
    """The images that run in a namespace of the sandbox `name`, which has real nodes. Raises ApiError."""
    return images_of(api.list("v1", "Pod", namespace), _on(Nodes(Layout.of(name))))


def images_of(pods: Iterable[Manifest], ctr: Ctr) -> list[RunningImage]:
    """The images of these pods' containers, each once, also of Jobs that ended.

    Init containers are left out: they have the image of the pod's own container, or are the operator's of the cluster.
    """
    labels = _Labels(ctr)
    found: set[RunningImage] = set()
    for pod in pods:
        component = (pod["metadata"].get("labels") or {}).get("app.kubernetes.io/name", "?")
        node = (pod.get("spec") or {}).get("nodeName", "")
        asked = {container["name"]: container["image"] for container in pod["spec"]["containers"]}
        for status in (pod.get("status") or {}).get("containerStatuses") or ():
            if image := status.get("imageID"):
                own = labels.of(node, image)
                kind = ImageKind.UNKNOWN if own is None else _KINDS.get(own.get(LABEL, ""), ImageKind.RELEASE)
                told = [(own or {}).get(key, "") for key in (RECIPE, VERSION, SAYS)]
                if kind is ImageKind.RELEASE:
                    told = ["", "", ""]
                found.add(RunningImage(component, status["name"], asked.get(status["name"], ""), kind, *told))
    return sorted(found)


class _Labels:
    """The labels of images. Content of one digest is the same on every node, so it is read once."""

    def __init__(self, ctr: Ctr) -> None:
        self._ctr = ctr
        self._digests: dict[str, dict[str, str]] = {}
        self._known: dict[str, Mapping[str, str] | None] = {}

    def of(self, node: str, image: str) -> Mapping[str, str] | None:
        """The labels of the image that a container's status calls `image`; None when the node does not say.

        That is the digest of its configuration, or else the first name with a digest that the node has for it
        (containerd v2.3.7, internal/cri/server/container_status.go, ContainerStatus: repoDigests), whatever is in it.
        """
        try:
            if node not in self._digests:
                self._digests[node] = self._names(node)
            digest = self._digests[node].get(image) or (image if image.startswith("sha256:") else "")
            if not digest:
                return None
            if self._known.get(digest) is None:
                self._known[digest] = self._read(node, digest)
            return self._known[digest]
        except (GgiError, OSError, subprocess.SubprocessError, ValueError, LookupError, TypeError, AttributeError):
            return None

    def _names(self, node: str) -> dict[str, str]:
        """What each name of an image leads to on a node: the columns REF, TYPE and DIGEST of `ctr images ls`."""
        lines = [line.split() for line in self._ctr(node, ("images", "ls")).splitlines()[1:]]
        return {words[0]: words[2] for words in lines if len(words) > 2}

    def _read(self, node: str, digest: str) -> Mapping[str, str] | None:
        """From an index to the manifest of this machine, from a manifest to its configuration, and its labels."""
        content = json.loads(self._ctr(node, ("content", "get", digest)))
        if "manifests" in content:
            # A node has the content of its own platform alone.
            for one in content["manifests"]:
                try:
                    return self._read(node, one["digest"])
                except GgiError:
                    continue
            return None
        if "layers" in content:
            return self._read(node, content["config"]["digest"])
        return (content.get("config") or {}).get("Labels") or {}


def _on(nodes: Nodes) -> Ctr:
    def ask(name: str, words: Sequence[str]) -> str:
        node = {node.name: node for node in nodes.all}[name]
        return nodes.ctr(node, *words, seconds=_SECONDS)

    return ask
