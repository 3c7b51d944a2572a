"""`ggi release pin` on a registry on loopback: token, index, faults; and the proxy, authority and mirror on the way."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ggi.app.pinning import Signed, verify
from ggi.catalogue.pins import images, pinned
from ggi.catalogue.release import ReleaseFile, Signature
from ggi.cli.main import main
from ggi.engine import net, oci
from ggi.engine.net import client, mirrors
from ggi.engine.oci import Registries
from ggi.errors import WorkError
from ggi.inventory.tree import parse
from ggi.inventory.validate import validate
from ggi.paths import ROOT
from tests.registry import TestRegistry, digest, index, manifest, only_here, pki, proxy, registry


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def served(certificates: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[TestRegistry]:
    only_here(monkeypatch, certificates[0], tmp_path)
    with registry(certificates[1]) as state:
        yield state


def asked(state: TestRegistry, repository: str, tag: str, waited: list[float] | None = None) -> oci.Found:
    wait = (lambda seconds: None) if waited is None else waited.append
    with client(timeout=5) as http:
        return Registries(http, mirrors(), wait).read(f"{state.host}/{repository}", tag)


def test_an_index_is_read_with_a_token_and_its_digest_is_that_of_what_came(served: TestRegistry) -> None:
    served.images["library/redis:7"] = body = index("linux/amd64", "linux/arm64")
    found = asked(served, "library/redis", "7")
    assert found == oci.Found(digest(body), ("linux/amd64", "linux/arm64"))
    assert [path.partition("?")[0] for path in served.asked] == [
        "/v2/library/redis/manifests/7",
        "/token",
        "/v2/library/redis/manifests/7",
    ]
    assert "scope=repository%3Alibrary%2Fredis%3Apull" in served.asked[1]


def test_an_image_of_one_platform_is_read_too(served: TestRegistry) -> None:
    served.images["a/b:1"] = manifest()
    assert asked(served, "a/b", "1") == oci.Found(digest(manifest()), ())


def test_a_registry_that_is_busy_or_breaks_is_asked_again(served: TestRegistry) -> None:
    served.images["a/b:1"] = manifest()
    served.busy["a/b:1"] = ["3"]
    served.broken["a/b:1"] = 1
    waited: list[float] = []
    assert asked(served, "a/b", "1", waited).digest == digest(manifest())
    assert waited[0] == 3.0
    assert len(waited) == 2


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("missing", "no such repository or tag"),
        ("lies", "but what it sent is"),
        ("busy", "takes no more requests now"),
        ("broken", "status 503"),
        ("no image", "something that is no image"),
        ("large", "sends more than"),
        ("plain realm", "a log-in that is not known here"),
    ],
)
def test_what_can_not_be_read_is_refused_with_its_reason(fault: str, told: str, served: TestRegistry) -> None:
    served.images["a/b:1"] = manifest()
    match fault:
        case "missing":
            del served.images["a/b:1"]
        case "lies":
            served.lies.add("a/b:1")
        case "busy":
            served.busy["a/b:1"] = ["3600"]
        case "broken":
            served.broken["a/b:1"] = 99
        case "no image":
            served.images["a/b:1"] = b'{"mediaType": "text/plain"}'
        case "large":
            served.images["a/b:1"] = manifest()[:-1] + b', "x": "' + b"x" * oci.MOST_BYTES + b'"}'
        case "plain realm":
            served.realm = "http://elsewhere.test/token"
    with pytest.raises(WorkError, match=told):
        asked(served, "a/b", "1")


def test_without_the_private_authority_the_registry_is_not_believed(
    served: TestRegistry, certificates: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    served.images["a/b:1"] = manifest()
    other = pki(tmp_path)[0]
    monkeypatch.setenv(net.AUTHORITIES, str(other))
    with pytest.raises(WorkError, match="CERTIFICATE_VERIFY_FAILED"):
        asked(served, "a/b", "1")
    assert served.asked == []


def test_the_proxy_is_used_for_the_registry_and_for_its_tokens(
    served: TestRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.images["a/b:1"] = manifest()
    with proxy() as (address, passed):
        monkeypatch.setenv("HTTPS_PROXY", address)
        asked(served, "a/b", "1")
        assert passed
        assert set(passed) == {served.host}
        passed.clear()
        monkeypatch.setenv("NO_PROXY", "localhost")
        asked(served, "a/b", "1")
        assert passed == []


def test_a_mirror_takes_the_place_of_a_registry(served: TestRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    served.images["hub/library/redis:7"] = manifest()
    monkeypatch.setenv(net.MIRRORS, f"docker.io={served.host}/hub")
    with client(timeout=5) as http:
        found = Registries(http, mirrors()).read("docker.io/library/redis", "7")
    assert found.digest == digest(manifest())


def test_docker_hub_is_asked_where_its_api_is() -> None:
    with client() as http:
        assert Registries(http, {}).place("docker.io/library/redis") == ("registry-1.docker.io", "library/redis")
        assert Registries(http, {}).place("ghcr.io/a/b") == ("ghcr.io", "a/b")


RELEASE = """\
# A remark at the top.
release: "2030.1"
date: "2030-01-01"
components:
  redis:
    version: "7"
    images:
      main: {{repository: {host}/library/redis, tag: 7-bookworm}}  # the cache
  openzaak:
    version: 1.0.0
    images:
      # A remark between.
      main:
        repository: {host}/openzaak/open-zaak
        tag: 1.0.0  # as it was tried
      nginx: {{repository: {host}/nginx, tag: "1", digest: unknown}}
    notes: >-
      Read this.
  openformulieren:
    version: 1.0.0
    images:
      nginx:
        repository: {host}/nginx
        tag: "1"
        digest: unknown  # nobody read it
"""


@pytest.fixture
def content(served: TestRegistry, tmp_path: Path, content_once: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GGI_STATE_HOME", str(tmp_path / "state"))
    root = tmp_path / "content"
    (root / "stacks" / "releases").mkdir(parents=True)
    path = root / "stacks" / "releases" / "2030.1.yaml"
    path.write_text(RELEASE.format(host=served.host), encoding="utf-8")
    for image in ("library/redis:7-bookworm", "openzaak/open-zaak:1.0.0", "nginx:1"):
        served.images[image] = index("linux/amd64", salt=image)
    return path


def pin(path: Path, *more: str) -> int:
    inventory = ["--inventory", str(ROOT / "inventories"), "--content", str(path.parents[2])]
    return main([*inventory, "release", "pin", "2030.1", *more])


def test_pin_writes_what_it_read_and_leaves_comments_and_layout(content: Path, served: TestRegistry) -> None:
    assert pin(content) == 0
    digests = {name: digest(body) for name, body in served.images.items()}
    assert (
        content.read_text(encoding="utf-8")
        == f"""\
# A remark at the top.
release: "2030.1"
date: "2030-01-01"
components:
  redis:
    version: "7"
    images:
      main:  # the cache
        repository: {served.host}/library/redis
        tag: 7-bookworm
        digest: {digests["library/redis:7-bookworm"]}
  openzaak:
    version: 1.0.0
    images:
      # A remark between.
      main:
        repository: {served.host}/openzaak/open-zaak
        tag: 1.0.0  # as it was tried
        digest: {digests["openzaak/open-zaak:1.0.0"]}
      nginx:
        repository: {served.host}/nginx
        tag: "1"
        digest: {digests["nginx:1"]}
    notes: >-
      Read this.
  openformulieren:
    version: 1.0.0
    images:
      nginx:
        repository: {served.host}/nginx
        tag: "1"
        digest: {digests["nginx:1"]}  # nobody read it
"""
    )
    assert sum(path.startswith("/v2/nginx/") for path in served.asked) == 2  # asked, and asked with a token


def test_pin_leaves_what_can_not_be_read_says_so_and_goes_on_later(
    content: Path, served: TestRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = served.images.pop("openzaak/open-zaak:1.0.0")
    assert pin(content) == 1
    told = capsys.readouterr()
    assert "no such repository or tag" in told.out
    assert "1 images could not be read" in told.err
    assert content.read_text(encoding="utf-8").count("digest: sha256:") == 3
    served.images["openzaak/open-zaak:1.0.0"] = kept
    served.asked.clear()
    assert pin(content) == 0
    assert {path.split("/manifests/")[0] for path in served.asked if "/manifests/" in path} == {
        "/v2/openzaak/open-zaak"
    }
    served.asked.clear()
    assert pin(content) == 0
    assert "has a digest" in capsys.readouterr().out
    assert served.asked == []


def test_a_dry_run_writes_nothing_and_json_says_all(
    content: Path, served: TestRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content.read_bytes()
    assert pin(content, "--dry-run", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert content.read_bytes() == before
    assert found["written"] is False
    assert [one["digest"] for one in found["images"][:1]] == [digest(served.images["library/redis:7-bookworm"])]
    assert {one["signed"] for one in found["images"]} == {Signed.UNSAID}


def test_a_tag_that_moved_is_shown_when_asked_again(
    content: Path, served: TestRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pin(content) == 0
    served.images["library/redis:7-bookworm"] = index("linux/amd64", salt="newer")
    assert pin(content) == 0
    capsys.readouterr()
    assert pin(content, "--again") == 0
    assert "… -> sha256:" in capsys.readouterr().out
    assert digest(served.images["library/redis:7-bookworm"]) in content.read_text(encoding="utf-8")


def program(folder: Path, text: str) -> str:
    path = folder / "cosign"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


SIGNED = Signature(
    identity="https://github.com/x/y/.github/workflows/z.yml@refs/heads/main", issuer="https://issuer.test"
)


def test_cosign_is_asked_for_this_digest_and_this_signer(tmp_path: Path) -> None:
    cosign = program(tmp_path, f'printf "%s\\n" "$@" >{tmp_path}/asked')
    assert verify(cosign, "ghcr.io/a/b@sha256:1", SIGNED) == ""
    assert (tmp_path / "asked").read_text(encoding="utf-8").splitlines() == [
        "verify",
        "--certificate-identity",
        SIGNED.identity,
        "--certificate-oidc-issuer",
        SIGNED.issuer,
        "ghcr.io/a/b@sha256:1",
    ]
    assert "no matching signatures" in verify(
        program(tmp_path, "echo 'Error: no matching signatures' >&2; exit 1"), "ghcr.io/a/b@sha256:1", SIGNED
    )


@pytest.mark.parametrize(
    ("cosign", "code", "signed"), [("exit 0", 0, Signed.VERIFIED), ("exit 1", 1, None), ("", 0, Signed.UNVERIFIED)]
)
def test_an_image_with_a_wrong_signature_is_not_pinned(
    cosign: str,
    code: int,
    signed: Signed | None,
    content: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    said = f"{{identity: '{SIGNED.identity}', issuer: '{SIGNED.issuer}'}}"
    text = content.read_text(encoding="utf-8").replace(
        "as it was tried\n", f"as it was tried\n        signature: {said}\n"
    )
    content.write_text(text, encoding="utf-8")
    found = program(tmp_path, cosign) if cosign else None
    monkeypatch.setattr(shutil, "which", lambda name, *_, **__: found if name == "cosign" else None)
    assert pin(content, "--json") == code
    one = next(i for i in json.loads(capsys.readouterr().out)["images"] if i["reference"].endswith("open-zaak:1.0.0"))
    assert one["signed"] == signed
    after = content.read_text(encoding="utf-8").partition("openzaak:")[2].partition("nginx:")[0]
    assert ("digest: sha256:" in after) == (code == 0)


@pytest.mark.parametrize("path", sorted((ROOT / "stacks" / "releases").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_image_of_every_release_could_be_written(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = parse(text, path.name)
    model = validate(tree, ReleaseFile, [])
    assert model is not None
    every = {one.place: digest(str(one.place).encode()) for one in images(tree, model)}
    made = pinned(text, path.name, every)
    assert made.count("digest: sha256:") == len(every)
    assert [line for line in made.splitlines() if line.lstrip().startswith("#")] == [
        line for line in text.splitlines() if line.lstrip().startswith("#")
    ]


def test_an_image_that_is_written_in_another_way_is_left_as_it_is() -> None:
    components = '{a: {version: "1", images: {main: {repository: x.test/a, tag: b}}}}'
    text = f'release: "2030.1"\ndate: "2030-01-01"\ncomponents: {components}\n'
    with pytest.raises(WorkError, match="a line per key"):
        pinned(text, "x.yaml", {("a", "main"): digest(b"")})
