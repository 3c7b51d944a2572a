"""Images of a release: looked up in one way, fetched as the nodes of a cluster fetch them, and missed clearly."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from ggi.app.platform import RealPlatform
from ggi.app.preflight.wanted import wanted
from ggi.app.workspace import Workspace
from ggi.catalogue.content import Catalogue
from ggi.catalogue.release import ComponentVersion, Release, probe_image, probe_tool
from ggi.engine.kubeapi import KubeApi
from ggi.errors import InputError
from ggi.landscape.addresses import databases, job
from ggi.landscape.build import landscape
from ggi.paths import ROOT
from tests.content import catalogue, standard
from tests.example import mirrored

IMAGES = [
    (name, image) for name, item in standard().components.items() if not item.external for image in item.version.images
]


def images_in(body: Any) -> Iterator[str]:
    """Every image that an object names."""
    if isinstance(body, dict):
        for key, value in body.items():
            if key in ("image", "imageName") and isinstance(value, str):
                yield value
            yield from images_in(value)
    elif isinstance(body, list | tuple):
        for value in body:
            yield from images_in(value)


def without(component: str, image: str) -> tuple[Catalogue, Release]:
    """The shipped content, of which the release of the example has no such image."""
    release = catalogue().releases[standard().environment.release]
    version = release.model.components[component]
    images = {name: file for name, file in version.images.items() if name != image}
    components = {**release.model.components, component: version.model_copy(update={"images": images})}
    changed = replace(release, model=release.model.model_copy(update={"components": components}))
    return replace(catalogue(), releases={**catalogue().releases, changed.model.release: changed}), changed


@pytest.mark.parametrize(("component", "image"), IMAGES)
def test_an_image_that_the_release_lacks_is_missed_by_file_and_line(component: str, image: str) -> None:
    poorer, release = without(component, image)
    with pytest.raises(InputError) as raised:
        landscape(standard().environment, poorer)
    (problem,) = raised.value.problems
    place = release.tree.child("components", component)
    assert place and problem.origin == place.origin
    assert problem.origin.file == f"stacks/releases/{release.model.release}.yaml"
    assert problem.message == f"{component} {release.model.components[component].version} has no image `{image}`"
    assert f"{image}: {{repository: HOST/NAME, tag: VERSION}}" in problem.fix


def test_a_release_without_the_image_of_probes_says_where_to_add_it() -> None:
    release = catalogue().releases["2026.4"]
    poorer = replace(release, model=release.model.model_copy(update={"tools": {}}))
    with pytest.raises(InputError, match="names no image of probes") as raised:
        probe_image([poorer], standard().environment.cluster)
    (problem,) = raised.value.problems
    assert problem.origin and problem.origin.file == "stacks/releases/2026.4.yaml" and "probe: {" in problem.fix
    # An older release that runs on the same cluster may have one.
    assert probe_tool([release, poorer]).repository == "docker.io/library/python"


def test_no_code_takes_an_image_out_of_a_release_by_itself() -> None:
    files = [path for folder in ("src", "sandbox", "stacks", "policies") for path in (ROOT / folder).rglob("*.py")]
    taken = re.compile(r"\b(?:images|tools)\[")
    own = ROOT / "src/ggi/catalogue/release.py"
    assert own in files
    found = {str(path.relative_to(ROOT)) for path in files if path != own and taken.search(path.read_text("utf-8"))}
    assert not found, "use ComponentVersion.image, which misses with file and line"


def test_every_image_comes_from_the_mirror_of_the_cluster(tmp_path: Path) -> None:
    built = mirrored(catalogue(), tmp_path)
    found = {image for item in built.objects for image in images_in(item.body)}
    for component in databases(built):
        found |= {*images_in(job(built, component, [], apply=False))}
    release = catalogue().releases[built.environment.release]
    found.add(probe_image([release], built.environment.cluster))
    assert len(found) >= 10
    assert [image for image in found if not image.startswith("harbor.test/")] == []


def test_a_preflight_pulls_from_the_mirror_and_reads_the_registry_itself(tmp_path: Path) -> None:
    mirrored(catalogue(), tmp_path)
    (tmp_path / "tenants" / "gm9998.yaml").unlink()
    asked = wanted(Workspace(tmp_path), "midden-accp")
    assert asked.probe.startswith("harbor.test/hub/library/python:")
    assert asked.registries["docker.io"].startswith("docker.io/library/python:")
    assert {asked.cluster.image(image).partition("/")[0] for image in asked.registries.values()} == {"harbor.test"}


def test_a_private_issuer_is_trusted_where_the_region_names_it(tmp_path: Path) -> None:
    environment = standard().environment
    root = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    gateway = environment.cluster.gateway.model_copy(update={"authorities": root})

    class Owner:
        cluster = environment.cluster.model_copy(update={"gateway": gateway})

    api = cast("KubeApi", None)
    assert RealPlatform().authorities(cast("Any", Owner()), api) == root
    assert RealPlatform().authorities(environment, api) == ""


def test_a_version_that_no_release_placed_still_says_what_it_lacks() -> None:
    version = ComponentVersion.model_validate({"version": "1.0.0", "images": {}})
    with pytest.raises(InputError, match=r"1\.0\.0 has no image `main`"):
        version.image()
