"""What a pod sees, put together from the rendered objects: its environment, its files, its commands."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ggi.catalogue.content import Catalogue, load_catalogue
from ggi.engine.secrets import SecretResolver
from ggi.inventory.load import Inventory
from ggi.inventory.models import Rotation
from ggi.landscape.build import Landscape, landscape
from ggi.landscape.objects import Body, Object
from ggi.paths import ROOT

ROOT_KEY = b"tests of the real programs only."
TENANT, ENVIRONMENT = "gm9901", "accp"


@cache
def _catalogue() -> Catalogue:
    return load_catalogue()


@dataclass(frozen=True)
class Pod:
    """`files` by path, as far as the landscape itself makes them; `outside` are Secrets that others make, by path."""

    environment: Mapping[str, str]
    files: Mapping[str, str]
    outside: Mapping[str, str]
    container: Body
    init: tuple[Body, ...]

    def place(self, root: Path) -> None:
        """Write the files below `root`, with their absolute paths."""
        for path, content in self.files.items():
            target = root / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content, encoding="utf-8")


class Rendered:
    """A landscape with the values of its secrets. Two with other rotations have the same root key."""

    def __init__(self, current: int = 1, accept: tuple[int, ...] = ()) -> None:
        inventory = Inventory(ROOT / "inventories", _catalogue().known)
        environment = inventory.environment(inventory.tenant(TENANT), ENVIRONMENT)
        rotation = Rotation(current=current, accept=list(accept))
        settings = environment.settings.model_copy(update={"rotation": rotation})
        self.built: Landscape = landscape(dataclasses.replace(environment, settings=settings), _catalogue())
        self.resolver = SecretResolver(ROOT_KEY, self.built.stack)
        self._by_kube_name = {(o.kind, o.kube_name): o for o in self.built.objects}

    def object(self, name: str) -> Object:
        """An object by its logical name."""
        return next(o for o in self.built.objects if o.name == name)

    def data(self, kind: str, kube_name: str) -> dict[str, str] | None:
        """The text in a ConfigMap or Secret, or None when somebody else makes it."""
        found = self._by_kube_name.get((kind, kube_name))
        if found is None:
            return None
        if kind == "Secret":
            return {key: self.resolver.text(value) for key, value in found.secrets.items()}
        return dict(found.body["data"])

    def pod(self, name: str, number: int = 0) -> Pod:
        """The pod of a Deployment, StatefulSet or Job, by its logical name, as its container `number` sees it."""
        spec = self.object(name).body["spec"]["template"]["spec"]
        container = spec["containers"][number]
        return Pod(
            self.environment(container),
            *self._files(spec, container),
            container,
            tuple(spec.get("initContainers", ())),
        )

    def environment(self, container: Body) -> dict[str, str]:
        """The environment of a container."""
        result: dict[str, str] = {}
        for source in container.get("envFrom", ()):
            for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
                if key in source:
                    result |= self.data(kind, source[key]["name"]) or {}
        return result | {item["name"]: item["value"] for item in container.get("env", ())}

    def _files(self, spec: Body, container: Body) -> tuple[dict[str, str], dict[str, str]]:
        files: dict[str, str] = {}
        outside: dict[str, str] = {}
        volumes: dict[str, Any] = {volume["name"]: volume for volume in spec.get("volumes", ())}
        for mount in container.get("volumeMounts", ()):
            volume = volumes.get(mount["name"], {})
            for key, kind, field in (("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")):
                if key not in volume:
                    continue
                name = volume[key][field]
                data = self.data(kind, name)
                if data is None:
                    outside[mount["mountPath"]] = name
                elif "subPath" in mount:
                    files[mount["mountPath"]] = data[mount["subPath"]]
                else:
                    files |= {f"{mount['mountPath']}/{item}": text for item, text in data.items()}
        return files, outside


@cache
def rendered(current: int = 1, accept: tuple[int, ...] = ()) -> Rendered:
    """The landscape with this rotation; made once."""
    return Rendered(current, accept)


def at(step: str) -> Rendered:
    """The landscape at a step such as `2+1`: current 2, accept 1."""
    current, *accept = (int(counter) for counter in step.split("+"))
    return rendered(current, tuple(accept))
