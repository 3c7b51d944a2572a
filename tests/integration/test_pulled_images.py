"""Images of a release on real nodes: pulled from a registry that answers (here one on loopback), else made here."""

from __future__ import annotations

import json
import os
import shutil
import socket
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ggi.engine import net
from ggi.errors import WorkError
from sandbox.hosts.podman import Podman
from sandbox.node import operators, pulled
from sandbox.node.images import RECIPES, ImageRecipe, Images, recipe_of
from sandbox.node.pulled import PulledImage, answering, pull
from tests.registry import TestRegistry, digest, only_here, pki, registry, runnable


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def served(certificates: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[TestRegistry]:
    only_here(monkeypatch, certificates[0], tmp_path)
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    (tmp_path / "auth.json").write_text("{}", encoding="utf-8")
    with registry(certificates[1]) as state:
        state.public = True
        yield state


@pytest.fixture
def store() -> Iterator[Images]:
    """A store of podman of this test alone."""
    if shutil.which("podman") is None or os.geteuid() != 0:
        pytest.skip("pulling takes podman and root")
    # Not in pytest's own folder: its name is too long for a socket of podman.
    with tempfile.TemporaryDirectory(prefix="ggi-pull-") as folder:
        images = Images(Podman(Path(folder)))
        yield images
        images.podman.run("rmi", "-a", "-f", check=False)


class Told(list[str]):
    """Lines of progress."""

    def __call__(self, line: str) -> None:
        self.append(line)


class Nothing(Images):
    """A store that has nothing and must not be asked to pull."""

    def has(self, tag: str) -> bool:
        return False

    def pull(self, source: str, tag: str, seconds: int) -> None:
        raise AssertionError(f"{source} must not be pulled")


class Refused(Nothing):
    """A store whose pulls fail."""

    def pull(self, source: str, tag: str, seconds: int) -> None:
        raise WorkError(f"podman pull -q {source}: Trying to pull {source}\nunauthorized: nobody may")


def test_an_image_is_pulled_by_the_mirror_and_saved_for_the_nodes(
    served: TestRegistry, store: Images, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(net.MIRRORS, f"docker.io={served.host}/hub")
    served.images["hub/library/redis:7.4.5"] = runnable(served.blobs, {"maintainer": "Redis"})
    pinned = runnable(served.blobs, {"maintainer": "Zaak"})
    served.images[f"hub/openzaak/open-zaak:{digest(pinned)}"] = pinned
    references = ["docker.io/library/redis:7.4.5", f"docker.io/openzaak/open-zaak:1.30.0@{digest(pinned)}"]
    told = Told()
    found = pull([*references, "docker.io/library/gone:1"], store, told)
    assert list(found) == references
    assert [line.partition(": ")[2] for line in told[::2]] == ["pulling it", "pulling it"], told
    assert "docker.io/library/gone:1: not pulled, it is made here: " in told[1]

    archive = tmp_path / "images.tar"
    store.save((image.tag for image in found.values()), archive)
    with tarfile.open(archive) as opened:
        listed = opened.extractfile("manifest.json")
        assert listed
        tags = {tag for one in json.load(listed) for tag in one["RepoTags"]}
    assert tags == {image.tag for image in found.values()}

    served.asked.clear()
    assert pull(references, store, told) == found and served.asked == [], "what is there is not asked for again"


def test_a_registry_without_an_answer_is_not_waited_for(served: TestRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setattr(pulled, "ANSWER_SECONDS", 0.5)
        silent_host, closed = f"127.0.0.1:{silent.getsockname()[1]}", "127.0.0.1:1"
        began, told = time.monotonic(), Told()
        assert answering({served.host, silent_host, closed}, told) == {served.host}
        assert time.monotonic() - began < 3
    assert told == [f"no answer of {closed}, {silent_host}: their images are made here"]


def test_each_registry_is_asked_once_and_nothing_of_it_pulled_without_an_answer(
    served: TestRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(net.MIRRORS, "docker.io=127.0.0.1:1")
    told = Told()
    assert pull(["docker.io/a/b:1", "docker.io/c/d:1"], Nothing(Podman(Path("none"))), told) == {}
    assert told == ["no answer of 127.0.0.1:1: their images are made here"]


def test_a_pull_that_fails_is_one_line_and_the_recipe_takes_its_place(
    served: TestRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(net.MIRRORS, f"docker.io={served.host}/hub")
    reference = next(name for name in operators.of_releases() if name.startswith("docker.io/library/redis"))
    told = Told()
    found = pull([reference], Refused(Podman(Path("none"))), told)
    assert told == [f"{reference}: pulling it", f"{reference}: not pulled, it is made here: unauthorized: nobody may"]
    recipe = operators.names(found)[reference]
    assert isinstance(recipe, ImageRecipe) and recipe.name == "redis"


def test_podman_is_asked_by_digest_where_it_is_known_and_by_the_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(net.MIRRORS, "docker.io=harbor.test/hub")
    sha = f"sha256:{'a' * 64}"
    assert PulledImage(f"docker.io/x/y:1@{sha}").source == f"harbor.test/hub/x/y@{sha}"
    assert PulledImage("ghcr.io:8443/x/y:1").source == "ghcr.io:8443/x/y:1"


def test_nodes_get_what_was_pulled_and_recipes_for_the_rest() -> None:
    references = operators.of_releases()
    assert {name for name in references if recipe_of(name) is None} == set(), "nothing plays this image of a release"
    made = operators.names({})
    assert set(made.values()) == set(RECIPES)
    reference = next(name for name in references if "@sha256:" in name)
    image = PulledImage(reference)
    mixed = operators.names({reference: image})
    # Also by its digest alone, as which a kubelet may look it up.
    assert {name for name, one in mixed.items() if one == image} == {reference, by_digest(reference)}
    assert mixed.keys() == made.keys()
    every = operators.names({name: PulledImage(name) for name in references})
    # Those of the cluster's own programs are made here in any case.
    left = {one.name for one in every.values() if isinstance(one, ImageRecipe)}
    assert left == {"pause", "coredns", "cloudnative-pg", "cert-manager", "envoy-gateway", "envoy"}


def by_digest(reference: str) -> str:
    """Without the tag."""
    name, _, sha = reference.partition("@")
    return f"{name.rpartition(':')[0]}@{sha}"
