"""What runs on real nodes instead of the images of the release: read from labels, shown in status, kept from audits.

What a node says is as containerd 2.3.7 and its `ctr` write it; the ids of images are those that a kubelet reports.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ggi.app.platform import RealPlatform
from ggi.app.running import ImageKind, RunningImage, by_component, not_of_the_release, why_not_shown
from ggi.audit.judge import Judge
from ggi.cli.main import main
from ggi.controls.control import Control
from ggi.controls.observation import Facts, Observation
from ggi.controls.subjects import of_landscape
from ggi.controls.verdict import Finding, Outcome
from ggi.engine import status as reading
from ggi.engine.kubeapi import KubeApi
from ggi.engine.status import ComponentStatus
from ggi.errors import WorkError
from ggi.inventory.waivers import WaiverFile
from ggi.paths import ROOT
from sandbox.layout import SIMULATED, Layout
from sandbox.node import images, standins
from sandbox.node.images import RECIPES, upstream_version
from sandbox.node.standins import SENTENCES, images_of, simulated
from sandbox.platform import SandboxPlatform
from tests.content import catalogue, controls, read_once, standard

Manifest = dict[str, Any]
DATE = dt.date(2026, 11, 30)


def sha(letter: str) -> str:
    return f"sha256:{letter * 64}"


class Node:
    """A containerd: names to digests, and content by digest."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.content: dict[str, Manifest] = {}
        self.asked: list[tuple[str, ...]] = []

    def has(self, letter: str, labels: Mapping[str, str] | None, *names: str) -> None:
        """An image: its configuration, and its manifest under `names` and under the configuration's digest."""
        config, manifest = sha(letter), sha(f"{int(letter, 16) ^ 8:x}")
        self.content[config] = {"architecture": "amd64", "config": {"Labels": labels}, "rootfs": {}}
        self.content[manifest] = {"schemaVersion": 2, "config": {"digest": config}, "layers": []}
        self.names |= dict.fromkeys((config, *names), manifest)

    def ctr(self, node: str, words: Sequence[str]) -> str:
        self.asked.append((node, *words))
        if node == "node-x":
            raise WorkError("node-x: ctr images failed: no such process")
        if tuple(words) == ("images", "ls"):
            kind = "application/vnd.docker.distribution.manifest.v2+json"
            lines = [f"{name} {kind} {digest} 1.0 MiB linux/amd64 -" for name, digest in self.names.items()]
            return "\n".join(["REF TYPE DIGEST SIZE PLATFORMS LABELS", *lines])
        if words[-1] not in self.content:
            raise WorkError("ctr content failed: not found")
        return json.dumps(self.content[words[-1]])


def pod(component: str | None, *containers: tuple[str, str], node: str = "node-a") -> Manifest:
    """A pod of a component: name and imageID of its containers."""
    labels = {"app.kubernetes.io/name": component} if component else None
    return {
        "metadata": {"name": "x", "labels": labels},
        "spec": {"nodeName": node, "containers": [{"name": n, "image": f"docker.io/x/{n}:1"} for n, _ in containers]},
        "status": {"containerStatuses": [{"name": name, "imageID": image} for name, image in containers]},
    }


KEYCLOAK = f"quay.io/keycloak/keycloak:26.6.4@{sha('0')}"


@pytest.fixture
def node() -> Node:
    found = Node()
    recipes = {recipe.name: recipe for recipe in RECIPES}
    for letter, name, version, reference in (
        ("1", "component", "", "docker.io/openzaak/open-zaak:1.30.0"),
        ("2", "keycloak", "26.7.3", KEYCLOAK),
        ("3", "nginx", "1.26.3", "docker.io/nginxinc/nginx-unprivileged:1.28.0"),
    ):
        recipe = recipes[name]
        labels = {images.LABEL: recipe.kind, images.RECIPE: name, images.SAYS: recipe.says, images.VERSION: version}
        found.has(letter, {key: value for key, value in labels.items() if value}, reference)
    found.has("4", {"maintainer": "Redis"}, "docker.io/library/redis:7.4.5-bookworm")
    found.has("5", None, "docker.io/library/none:1")
    return found


def test_labels_tell_what_runs_whatever_the_pod_calls_it(node: Node) -> None:
    found = images_of(
        [pod("openzaak", ("web", sha("1")), ("nginx", sha("3"))), pod("keycloak", ("server", KEYCLOAK))], node.ctr
    )
    told = {(image.component, image.container): (image.kind, image.program, image.version) for image in found}
    assert told == {
        ("openzaak", "web"): (ImageKind.STAND_IN, "component", ""),
        ("openzaak", "nginx"): (ImageKind.PACKED, "nginx", "1.26.3"),
        ("keycloak", "server"): (ImageKind.PACKED, "keycloak", "26.7.3"),
    }
    assert next(image.says for image in found if image.container == "web").startswith("a Django project")


def test_an_image_without_our_label_is_that_of_the_release(node: Node) -> None:
    found = images_of([pod("redis", ("server", sha("4"))), pod("other", ("it", sha("5")))], node.ctr)
    assert {image.kind for image in found} == {ImageKind.RELEASE}


def test_an_image_of_several_platforms_is_read_by_the_one_that_is_there(node: Node) -> None:
    manifest = node.names[sha("2")]
    node.content[sha("f")] = {"manifests": [{"digest": sha("e")}, {"digest": manifest}]}
    node.names["docker.io/x/many@" + sha("f")] = sha("f")
    (found,) = images_of([pod("keycloak", ("server", "docker.io/x/many@" + sha("f")))], node.ctr)
    assert (found.kind, found.version) == (ImageKind.PACKED, "26.7.3")


@pytest.mark.parametrize(
    ("image", "where"), [(sha("7"), "node-a"), ("docker.io/x/gone@" + sha("7"), "node-a"), (sha("1"), "node-x")]
)
def test_what_a_node_does_not_say_is_unknown_and_never_of_the_release(node: Node, image: str, where: str) -> None:
    (found,) = images_of([pod("openzaak", ("web", image), node=where)], node.ctr)
    assert found.kind is ImageKind.UNKNOWN


def test_content_that_is_broken_is_unknown_too(node: Node) -> None:
    node.content[sha("1")] = {"config": 7, "rootfs": {}}
    (found,) = images_of([pod("openzaak", ("web", sha("1")))], node.ctr)
    assert found.kind is ImageKind.UNKNOWN


def test_a_pod_without_a_component_and_one_that_has_not_started(node: Node) -> None:
    waiting = pod("openzaak", ("web", ""))
    (found,) = images_of([waiting, pod(None, ("web", sha("1")))], node.ctr)
    assert found.component == "?"


def test_each_digest_is_read_once_and_each_node_listed_once(node: Node) -> None:
    pods = [pod("openzaak", ("web", sha("1")), node=name) for name in ("node-a", "node-b") for _ in range(3)]
    assert len(images_of(pods, node.ctr)) == 1
    assert len(node.asked) == 2 + 2, "a list per node; a manifest and its configuration"


# -- the sentence about a sandbox --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ids", "kind"),
    [
        ([], None),
        ([sha("4")], ImageKind.RELEASE),
        ([sha("4"), sha("3")], ImageKind.PACKED),
        ([sha("4"), sha("3"), sha("7")], ImageKind.UNKNOWN),
        ([sha("4"), sha("3"), sha("7"), sha("1")], ImageKind.STAND_IN),
    ],
)
def test_the_sentence_follows_from_what_runs(
    node: Node, ids: list[str], kind: ImageKind | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GGI_STATE_HOME", str(tmp_path))

    class Api:
        def list(self, version: str, kind: str, namespace: str = "", labels: str = "") -> list[Manifest]:
            if kind == "Namespace":
                assert labels == "ggi/stack"
                return [{"metadata": {"name": "gm9901"}}]
            return [pod("x", ("it", image)) for image in ids]

    @contextmanager
    def opened(*words: object, **more: object) -> Any:
        yield Api()

    assert simulated("unit") == SIMULATED
    Layout.of("unit").nodes.mkdir(parents=True)
    assert simulated("unit") == SENTENCES[ImageKind.UNKNOWN], "nobody can be asked"
    monkeypatch.setattr(KubeApi, "from_kubeconfig", opened)
    monkeypatch.setattr(standins, "_on", lambda nodes: node.ctr)
    assert simulated("unit") == SENTENCES[kind]


def test_where_no_image_runs_or_all_are_pulled_manifests_tell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GGI_STATE_HOME", str(tmp_path))
    environment = standard().environment
    assert RealPlatform().running_images(environment) is None  # type: ignore[func-returns-value]
    assert SandboxPlatform("unit").running_images(environment) is None


# -- status ------------------------------------------------------------------------------------------------------------

SHOWN = [
    RunningImage("openzaak", "web", "a", ImageKind.STAND_IN, "component", "", "a Django project, no application"),
    RunningImage("openzaak", "nginx", "b", ImageKind.PACKED, "nginx", "1.26.3"),
    RunningImage("openklant", "web", "a", ImageKind.STAND_IN, "component", "", "a Django project, no application"),
    RunningImage("fscinway", "inway", "c", ImageKind.STAND_IN, "peer", "", "plays the programs of OpenFSC"),
    RunningImage("keycloak", "server", "d", ImageKind.PACKED, "keycloak", "26.7.3"),
    RunningImage("redis", "server", "e", ImageKind.RELEASE),
    RunningImage("postgresql", "postgres", "f", ImageKind.UNKNOWN),
]


def test_one_stand_in_marks_its_component() -> None:
    assert by_component(SHOWN)["openzaak"] is ImageKind.STAND_IN
    assert by_component(SHOWN)["redis"] is ImageKind.RELEASE
    assert why_not_shown(SHOWN)["redis"] == ""
    assert [key.partition(":")[0] for key in not_of_the_release(SHOWN)] == ["stand-in", "stand-in", "unknown", "packed"]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A landscape of which everything is ready, on a sandbox that has these images."""
    read_once(monkeypatch)

    @contextmanager
    def opened(*words: object, **more: object) -> Any:
        yield None

    def found(api: KubeApi, built: Any) -> list[ComponentStatus]:
        items = built.components.values()
        return [ComponentStatus(i.name, i.component.title, i.version.version, "ready", ()) for i in items]

    monkeypatch.setattr(KubeApi, "from_kubeconfig", opened)
    monkeypatch.setattr(reading, "component_status", found)
    monkeypatch.setattr(reading, "running_release", lambda api, namespace: "2026.4")
    monkeypatch.setattr(SandboxPlatform, "kubeconfig", lambda self, owner: ("", ""))
    monkeypatch.setattr(SandboxPlatform, "running_images", lambda self, environment: SHOWN)
    monkeypatch.setattr(SandboxPlatform, "simulated", SENTENCES[ImageKind.STAND_IN])
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.usefixtures("told")
def test_status_marks_stand_ins_and_says_once_per_kind_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "gm9901", "--sandbox", "--lang", "en"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.search(r"Open Zaak +\S+ +stand-in ", next(line for line in lines if "Open Zaak " in line))
    assert re.search(r"Keycloak +\S+ +packed ", next(line for line in lines if "Keycloak " in line))
    assert not re.search("release|packed|stand-in|unknown", next(line for line in lines if line.startswith("  Redis ")))
    below = lines[next(n for n, line in enumerate(lines) if line.startswith("  stand-in:")) :]
    assert below == [
        "  stand-in: a Django project, no application",
        "    Open Klant, Open Zaak",
        "  stand-in: plays the programs of OpenFSC",
        "    FSC Inway",
        "  unknown: the node did not say what runs",
        "    PostgreSQL",
        "  packed: the real program, packed here; not the image of the release",
        "    keycloak 26.7.3: Keycloak",
        "    nginx 1.26.3: Open Zaak",
        "  pods run on real nodes; some images are stand-ins",
    ]
    assert max(len(line) for line in below) <= 80


@pytest.mark.usefixtures("told")
def test_json_has_what_runs_of_each_component(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "gm9901", "--sandbox", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["not_real"] == SENTENCES[ImageKind.STAND_IN]
    images = {item["name"]: item["images"] for item in found["components"]}
    assert images["keycloak"] == [
        {"container": "server", "image": "d", "kind": "packed", "program": "keycloak", "version": "26.7.3", "says": ""}
    ]
    assert {item["kind"] for item in images["openzaak"]} == {"stand-in", "packed"}


# -- controls ----------------------------------------------------------------------------------------------------------


def about_images() -> list[Control]:
    return [control for control in controls() if control.file.images]


def judged(instead: Mapping[str, str] | None, *, brief: bool = False) -> tuple[list[Finding], Mapping[str, int]]:
    built = standard()
    seen = Observation(of_landscape(built), DATE, Facts(built, catalogue()), WaiverFile(), instead=instead)
    judge = Judge(about_images(), seen, full=not brief, brief=brief)
    return list(judge.findings()), judge.passed


def test_a_control_that_reads_an_image_says_that_it_speaks_of_what_runs() -> None:
    reads = re.compile(r"\bimage\b(?!:)|\bimages\b(?!:)|imageName|\.image\b")
    missed = []
    for control in controls():
        folder = ROOT / "policies" / "controls" / control.id
        if not folder.is_dir():
            continue
        check = folder / "check.py"
        code = check.read_text(encoding="utf-8") if check.is_file() else ""
        code = re.sub(r'"""(?:.|\n)*?"""', "", code) + control.rule_text
        if (reads.search(code) or control.id.startswith("IMG-")) and not control.file.images:
            missed.append(control.id)
    assert not missed, "write `images: true` into its control.yaml"
    assert len(about_images()) == 6


@pytest.mark.parametrize("brief", [False, True])
def test_no_control_about_images_passes_where_another_image_runs(brief: bool) -> None:
    before, counted = judged(None, brief=brief)
    passed = {f.subject for f in before if f.outcome is Outcome.PASS}
    assert bool(passed) is not brief and bool(counted) is brief
    why = dict.fromkeys(standard().components, "a stand-in")
    after, still = judged(why, brief=brief)
    assert not any(still.values())
    assert not [f for f in after if f.outcome is Outcome.PASS]
    hidden = [f for f in after if f.outcome is Outcome.UNKNOWN and f.note == "a stand-in"]
    assert {f.control for f in hidden} == {control.id for control in about_images()}


def test_a_component_of_which_nothing_could_be_asked_is_not_met_either() -> None:
    found, _ = judged({"openzaak": ""})
    assert {f.subject.partition("/")[0] for f in found if f.outcome is Outcome.PASS} == {"openzaak"}
    assert all(f.note for f in found if f.outcome is Outcome.UNKNOWN and f.control != "IMG-003")


def test_what_is_wrong_in_the_manifest_stays_wrong() -> None:
    built = standard()
    subjects = []
    for subject in of_landscape(built):
        if subject.name == "redis/StatefulSet/server":
            text = json.dumps(subject.body).replace("docker.io/library/redis:7.4.5-bookworm", "redis:latest")
            subject = replace(subject, body=json.loads(text))
        subjects.append(subject)
    seen = Observation(subjects, DATE, Facts(built, catalogue()), WaiverFile(), instead={"redis": "a stand-in"})
    found = {f.control: f.outcome for f in Judge(about_images(), seen).findings() if f.subject.startswith("redis/")}
    assert found["IMG-001"] is found["IMG-002"] is found["IMG-004"] is Outcome.FAIL


# -- labels ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_every_image_made_here_says_what_it_is(recipe: images.ImageRecipe) -> None:
    text = recipe.text()
    assert f'{images.LABEL}="{recipe.kind}"' in text and f'{images.RECIPE}="{recipe.name}"' in text
    if recipe.kind == images.STAND_IN:
        assert recipe.says and f'{images.SAYS}="{recipe.says}"' in text
    elif recipe.name != "pause":
        assert bool(recipe.version) != bool(recipe.package), "its version, or the package that has it"
        assert not recipe.version or f'{images.VERSION}="{recipe.version}"' in text


def test_the_version_of_a_package_is_that_of_its_program() -> None:
    # As dpkg writes it (Debian 13, /var/lib/dpkg/status).
    status = (
        "Package: redis-tools\nStatus: install ok installed\nVersion: 5:8.0.2-3+deb13u1\n\n"
        "Package: redis-server\nStatus: install ok installed\nPriority: optional\nSource: redis\n"
        "Version: 5:8.0.3-3+deb13u1\nDepends: redis-tools (= 5:8.0.2-3+deb13u1)\n\n"
        "Package: python3-minimal\nVersion: 3.13.5-1\n\nPackage: native\nVersion: 12\n"
    )
    assert upstream_version(status, "redis-server") == "8.0.3"
    assert upstream_version(status, "python3-minimal") == "3.13.5"
    assert upstream_version(status, "native") == "12"
    assert upstream_version(status, "redis") == ""
