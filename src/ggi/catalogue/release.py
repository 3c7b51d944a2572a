"""Releases: which version and image of every component goes together. Versions come from here, never from a tenant."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, PrivateAttr

from ggi.errors import InputError, Origin, Problem, raise_if
from ggi.inventory.marks import Free, NameKind, Refers
from ggi.inventory.models import Cluster, Model
from ggi.inventory.tree import Node, read
from ggi.inventory.types import Date, ReleaseId, Slug
from ggi.inventory.validate import validate
from ggi.messages import t

UNKNOWN = "unknown"
MAIN = "main"
"""The image that serves every process which names no other."""
PROBE = "probe"


class Signature(Model):
    """Who signs an image without a key (Sigstore), as `cosign verify` asks for it."""

    identity: Annotated[str, Field(pattern=r"^https://\S+$")]
    """The identity in the certificate, in full: the workflow that built it, with its branch or tag."""
    issuer: Annotated[str, Field(pattern=r"^https://\S+$")]
    """Who vouches for that identity, such as https://token.actions.githubusercontent.com."""


class ImageFile(Model):
    """One image. A digest that nobody has read from the registry is written `unknown`, never invented."""

    repository: Annotated[str, Field(pattern=r"^[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)+$")]
    tag: Annotated[str, Field(min_length=1)]
    digest: Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{64}|unknown)$")] = UNKNOWN
    signature: Signature | None = None
    """Who signs it, where the publisher says so; `ggi release pin` then checks it with cosign."""

    @property
    def reference(self) -> str:
        """The reference for a pod: by digest where it is known."""
        return f"{self.repository}:{self.tag}" + ("" if self.digest == UNKNOWN else f"@{self.digest}")


class ComponentVersion(Model):
    """The version of a component in a release, with its images by name; the image `main` serves every process."""

    version: str
    images: Annotated[dict[Slug, ImageFile], Refers(NameKind.IMAGE)]
    notes: str = ""
    """What an operator must do or know when this version replaces the one before."""
    _component: str = PrivateAttr("")
    _place: Origin | None = PrivateAttr(None)

    def at(self, component: str, place: Origin) -> None:
        """Tell it of which component it is, and where the release says so: errors about it need both."""
        self._component, self._place = component, place

    def image(self, name: str = "") -> ImageFile:
        """The image of this name; without one, `main`. Raises InputError that says where to add a missing one."""
        name = name or MAIN
        if name not in self.images:
            of = f"{self._component} {self.version}".strip()
            fix = t("Add below its `images`: {name}: {{repository: HOST/NAME, tag: VERSION}}", name=name)
            raise InputError(Problem(t("{component} has no image `{name}`", component=of, name=name), fix, self._place))
        return self.images[name]

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers in the version, so that 2.18.0 comes after 2.9.1."""
        return tuple(int(number) for number in re.findall(r"\d+", self.version))


class ReleaseFile(Model):
    """A release of the whole landscape."""

    release: ReleaseId
    date: Date
    title: str = ""
    components: Annotated[dict[Slug, ComponentVersion], Refers(NameKind.COMPONENT)]
    tools: Annotated[dict[Slug, ImageFile], Free("names what each image is for")] = {}
    """Images that belong to no component: `probe` is that of the pods by which `verify` and `preflight` try things."""


@dataclass(frozen=True, slots=True)
class Release:
    """A release as read, with the places of its values."""

    model: ReleaseFile
    tree: Node

    def component(self, name: str) -> ComponentVersion | None:
        """The version of a component, or None when this release does not have it."""
        return self.model.components.get(name)


def probe_tool(releases: Sequence[Release]) -> ImageFile:
    """The tool `probe` of the last of these releases that has one. Raises InputError that says where to add it."""
    for release in reversed(releases):
        if image := release.model.tools.get(PROBE):
            return image
    newest = releases[-1]
    tools = newest.tree.child("tools")
    fix = t("Add below `tools`: {name}: {{repository: HOST/NAME, tag: VERSION}}", name=PROBE)
    message = t("release {release} names no image of probes", release=newest.model.release)
    raise InputError(Problem(message, fix, (tools or newest.tree).origin))


def probe_image(releases: Sequence[Release], cluster: Cluster) -> str:
    """The image of probe pods as the nodes of `cluster` fetch it. Raises InputError."""
    return cluster.image(probe_tool(releases).reference)


@dataclass(frozen=True, slots=True)
class VersionChange:
    """One difference between two releases."""

    component: str
    what: str
    before: str
    after: str
    notes: str = ""


def difference(old: Release, new: Release) -> list[VersionChange]:
    """What changes from `old` to `new`, sorted by component."""
    changes = []
    for name in sorted({*old.model.components, *new.model.components}):
        before, after = old.component(name), new.component(name)
        if before is None or after is None:
            changes.append(
                VersionChange(name, "component", before.version if before else "", after.version if after else "")
            )
            continue
        if before.version != after.version:
            changes.append(VersionChange(name, "version", before.version, after.version, after.notes))
        for image in sorted({*before.images, *after.images}):
            one, two = before.images.get(image), after.images.get(image)
            left, right = one.reference if one else "", two.reference if two else ""
            if left != right:
                changes.append(VersionChange(name, f"image {image}", left, right))
    return changes


def load_releases(folders: list[tuple[Path, str]]) -> Mapping[str, Release]:
    """All `releases/*.yaml` of the content roots, as (folder, name to show). Raises InputError."""
    releases: dict[str, Release] = {}
    problems: list[Problem] = []
    for folder, shown in folders:
        for path in sorted(folder.glob("*.yaml")):
            tree = read(path, f"{shown}/{path.name}", "release")
            model = validate(tree, ReleaseFile, problems)
            if model is None:
                continue
            if path.stem != model.release:
                problems.append(
                    Problem(
                        t("this file must be named {name}.yaml", name=model.release), t("Rename the file."), tree.origin
                    )
                )
            for name, version in model.components.items():
                version.at(name, (tree.child("components", name) or tree).origin)
            if model.release in releases:
                # A further content root adds its own components to a release of the same name.
                known = releases[model.release].model
                model = known.model_copy(update={"components": {**known.components, **model.components}})
            releases[model.release] = Release(model, tree)
    raise_if(problems)
    return releases
