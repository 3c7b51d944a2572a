"""Which images really run where stand-ins can: whose they are, said in status and kept from audits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ggi.messages import mark, t


class ImageKind(StrEnum):
    """Whose image it is."""

    RELEASE = "release"
    """It came from a registry, under the name that the release gives it."""
    PACKED = mark("packed")
    """The real program, packed on this machine; its version need not be that of the release."""
    UNKNOWN = mark("unknown")
    """The node could not be asked."""
    STAND_IN = mark("stand-in")
    """It only plays the program's part."""


@dataclass(frozen=True, slots=True, order=True)
class RunningImage:
    """The image of one container of a component (`?`: of none), by what the node has under its name."""

    component: str
    container: str
    image: str
    """As the pod asks for it."""
    kind: ImageKind
    program: str = ""
    """What was packed here, such as `keycloak`."""
    version: str = ""
    """The version of what was packed here."""
    says: str = ""
    """What a stand-in is, in English and marked for translation."""

    @property
    def told(self) -> tuple[str, str]:
        """What it is instead of the image of the release, for a person: of all of this kind, and of it alone."""
        if self.kind is ImageKind.STAND_IN:
            return t("stand-in: {what}", what=t(self.says) if self.says else self.program), ""
        if self.kind is ImageKind.PACKED:
            return t("packed: the real program, packed here; not the image of the release"), self.packed
        return (t("unknown: the node did not say what runs"), "") if self.kind is ImageKind.UNKNOWN else ("", "")

    @property
    def packed(self) -> str:
        """Program and version of what was packed here."""
        return f"{self.program} {self.version}".strip()


_WORST = (ImageKind.STAND_IN, ImageKind.UNKNOWN, ImageKind.PACKED, ImageKind.RELEASE)


def worst(kinds: Iterable[ImageKind]) -> ImageKind | None:
    """What is said of several images together; None of none."""
    return min(kinds, key=_WORST.index, default=None)


def by_component(images: Iterable[RunningImage]) -> dict[str, ImageKind]:
    """Per component, what is said of its images together."""
    found: dict[str, set[ImageKind]] = {}
    for image in images:
        found.setdefault(image.component, set()).add(image.kind)
    return {name: kind for name, kinds in found.items() if (kind := worst(kinds))}


def not_of_the_release(images: Iterable[RunningImage]) -> dict[str, dict[str, list[str]]]:
    """What runs instead of images of the release, in words, worst first: of all of a kind, and of each of them.

    With the components in which it runs.
    """
    others = {image for image in images if image.kind is not ImageKind.RELEASE}
    found: dict[str, dict[str, list[str]]] = {}
    for image in sorted(others, key=lambda image: (_WORST.index(image.kind), image.program, image)):
        whole, own = image.told
        names = found.setdefault(whole, {}).setdefault(own, [])
        if image.component not in names:
            names.append(image.component)
    return found


def why_not_shown(images: Sequence[RunningImage]) -> Mapping[str, str]:
    """Per component, why controls about images can't be met here; empty text where all are those of the release."""
    words = {
        ImageKind.STAND_IN: t("a stand-in runs here under the name of the image"),
        ImageKind.PACKED: t("what runs here under the name of the image was packed on this machine"),
        ImageKind.UNKNOWN: t("which image runs here is not known"),
        ImageKind.RELEASE: "",
    }
    return {name: words[kind] for name, kind in by_component(images).items()}
