"""Reading the digests of a release's images from their registries, and writing them down."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ggi.catalogue.pins import Place, PlacedImage, images, pinned, unknown
from ggi.catalogue.release import ImageFile, Signature
from ggi.engine.oci import Registries
from ggi.errors import GgiError, Problem
from ggi.files import write_atomically
from ggi.messages import mark, t

COSIGN_SECONDS = 120


class Signed(StrEnum):
    """What is known of an image's signature."""

    VERIFIED = mark("verified")
    """cosign found a signature by who the release says signs it."""
    UNVERIFIED = mark("not verified")
    """The release says who signs it, and cosign is not here."""
    UNSAID = mark("signer unknown")
    """The release does not say who signs it: nothing was checked."""


@dataclass(frozen=True, slots=True)
class Pin:
    """What became of one image. `error` says why it has no new digest; `before` is what the release said."""

    component: str
    image: str
    reference: str
    before: str
    digest: str = ""
    platforms: tuple[str, ...] = ()
    signed: Signed | None = None
    error: str = ""

    @property
    def changed(self) -> bool:
        """Whether the release says something else from now on."""
        return bool(self.digest) and self.digest != self.before


@dataclass(frozen=True, slots=True)
class _Read:
    digest: str = ""
    platforms: tuple[str, ...] = ()
    signed: Signed | None = None
    error: str = ""


class Pinning:
    """Reads each image once, also when several components have it. `report` takes a line of progress."""

    def __init__(self, registries: Registries, report: Callable[[str], None], cosign: str | None = None) -> None:
        self._registries = registries
        self._report = report
        self._cosign = shutil.which("cosign") if cosign is None else cosign
        self._known: dict[str, _Read] = {}

    def pins(self, wanted: Iterator[PlacedImage]) -> Iterator[Pin]:
        """One by one, what became of these images. Raises nothing for an image that can't be read."""
        for one in wanted:
            said = f"{one.file.repository}:{one.file.tag}"
            if said not in self._known:
                self._report(t("reading {image}", image=said))
                self._known[said] = self._read(one.file)
            read = self._known[said]
            component, name = one.place
            yield Pin(component, name, said, one.file.digest, read.digest, read.platforms, read.signed, read.error)

    def _read(self, file: ImageFile) -> _Read:
        try:
            found = self._registries.read(file.repository, file.tag)
        except GgiError as error:
            return _Read(error=error.problems[0].message)
        if file.signature is None:
            return _Read(found.digest, found.platforms, Signed.UNSAID)
        if not self._cosign:
            return _Read(found.digest, found.platforms, Signed.UNVERIFIED)
        host, name = self._registries.place(file.repository)
        why = verify(self._cosign, f"{host}/{name}@{found.digest}", file.signature)
        return _Read(error=why) if why else _Read(found.digest, found.platforms, Signed.VERIFIED)


def verify(cosign: str, reference: str, signature: Signature) -> str:
    """Have cosign check a signature without a key; returns why it is not right, or an empty text.

    Its options are those of sigstore/cosign, `cosign verify`; CloudNativePG's release notes use the same.
    """
    identity = ["--certificate-identity", signature.identity, "--certificate-oidc-issuer", signature.issuer]
    try:
        done = subprocess.run(
            [cosign, "verify", *identity, reference],
            capture_output=True,
            text=True,
            check=False,
            timeout=COSIGN_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return t("cosign could not check the signature: {why}", why=error)
    if done.returncode == 0:
        return ""
    lines = [line for line in done.stderr.splitlines() if line.strip()] or [str(done.returncode)]
    return t("its signature is not right: {why}", why=lines[-1][:200])


def pin_file(path: Path, shown: str, pinning: Pinning, again: bool, dry_run: bool) -> Iterator[Pin]:
    """Pin the images of one release file whose digest is unknown, or with `again` all of them.

    What was read is written at the end, or when the caller stops, so that a run that is broken off goes on later where
    it was. With `dry_run` nothing is written. Raises GgiError when the file itself is wrong.
    """
    from ggi.catalogue.release import ReleaseFile
    from ggi.errors import raise_if
    from ggi.inventory.tree import read
    from ggi.inventory.validate import validate

    problems: list[Problem] = []
    tree = read(path, shown, "release")
    model = validate(tree, ReleaseFile, problems)
    raise_if(problems)
    assert model is not None  # noqa: S101  (raise_if has raised otherwise)
    fresh: dict[Place, str] = {}
    try:
        for pin in pinning.pins(one for one in images(tree, model) if again or unknown(one)):
            if pin.changed:
                fresh[pin.component, pin.image] = pin.digest
            yield pin
    finally:
        if fresh and not dry_run:
            text = path.read_text(encoding="utf-8")
            write_atomically(path, pinned(text, shown, fresh), path.stat().st_mode & 0o777)
