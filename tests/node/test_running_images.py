"""What the nodes say of the images that run on them, whatever the pods call these."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from ggi.app.running import ImageKind, RunningImage
from sandbox.layout import Layout
from sandbox.node import operators
from sandbox.node.images import STAND_IN, recipe_of
from sandbox.node.nodes import Nodes
from sandbox.node.pulled import PulledImage
from sandbox.node.standins import SENTENCES, running_images, simulated
from tests.nodes import RealNodes

SPACE, MANAGER = "running-images", "tests"


@pytest.fixture(scope="module")
def images(nodes: RealNodes) -> dict[str, str]:
    """A real program, a stand-in, and one that the release names by its digest: by what their pods are called here."""
    named = sorted(operators.of_releases())
    there = Nodes(Layout.of(nodes.name))
    listed = there.ctr(there.all[0], "images", "ls", "-q").split()
    found = {
        "program": next(name for name in named if "/library/python:" in name),
        "stand-in": next(name for name in named if "/open-zaak:" in name),
        "pinned": next(name for name in named if "@sha256:" in name),
    }
    if any(PulledImage(name).tag in listed for name in found.values()):
        pytest.skip("a registry gave images of the release: nothing stands in for them")
    return found


@pytest.fixture(scope="module")
def running(nodes: RealNodes, images: dict[str, str]) -> Iterator[dict[str, RunningImage]]:
    """What the node says of each, when all run in a namespace of a landscape."""
    space = {"name": SPACE, "labels": {"ggi/stack": "gm9999-test"}}
    nodes.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": space}, field_manager=MANAGER)
    for name, image in images.items():
        container = {"name": "it", "image": image, "imagePullPolicy": "IfNotPresent", "command": ["sleep", "600"]}
        metadata = {"name": name, "namespace": SPACE, "labels": {"app.kubernetes.io/name": name}}
        spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
        nodes.api.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}, field_manager=MANAGER)
    give_up = time.monotonic() + 120
    while any(pod["status"]["phase"] != "Running" for pod in nodes.api.list("v1", "Pod", SPACE)):
        assert time.monotonic() < give_up
        time.sleep(1)
    yield {image.component: image for image in running_images(nodes.name, nodes.api, SPACE)}
    nodes.api.delete("v1", "Namespace", SPACE)


def test_the_labels_are_those_of_what_was_made_here(running: dict[str, RunningImage], images: dict[str, str]) -> None:
    assert running.keys() == images.keys()
    for name, image in running.items():
        recipe = recipe_of(images[name])
        assert recipe and image.image == images[name]
        assert image.kind is (ImageKind.STAND_IN if recipe.kind == STAND_IN else ImageKind.PACKED)
        assert (image.program, image.says) == (recipe.name, recipe.says)
    assert running["program"].version, "the version of the package"
    assert running["stand-in"].kind is ImageKind.STAND_IN


def test_the_sandbox_says_that_some_are_stand_ins(nodes: RealNodes, running: dict[str, RunningImage]) -> None:
    assert simulated(nodes.name) == SENTENCES[ImageKind.STAND_IN]
