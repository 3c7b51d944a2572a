"""The provider's configuration: what it means, how the server is found, and when a change of it replaces everything."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ggi.errors import InputError, Problem
from sandbox.plugins.kubernetes.objects import at
from sandbox.plugins.kubernetes.replace import Mutability
from sandbox.plugins.kubernetes.wire import Unknown

PREFIX = "kubernetes:config:"
IDENTIFIER = "clusterIdentifier"
CONNECTION = ("kubeconfig", "context", "cluster")

_ENVIRONMENT = {
    "deleteUnreachable": "PULUMI_K8S_DELETE_UNREACHABLE",
    "skipUpdateUnreachable": "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE",
    "enableServerSideApply": "PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY",
    "enablePatchForce": "PULUMI_K8S_ENABLE_PATCH_FORCE",
    "upsertExistingObjects": "PULUMI_K8S_UPSERT_EXISTING_OBJECTS",
    "enableConfigMapMutable": "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE",
    "enableSecretMutable": "PULUMI_K8S_ENABLE_SECRET_MUTABLE",
    "suppressDeprecationWarnings": "PULUMI_K8S_SUPPRESS_DEPRECATION_WARNINGS",
}


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """What `kubernetes.Provider` was given; names and defaults are those of the official plugin."""

    kubeconfig: str = ""
    context: str = ""
    cluster: str = ""
    namespace: str = ""
    delete_unreachable: bool = False
    skip_update_unreachable: bool = False
    patch_force: bool = False
    upsert: bool = False
    mutability: Mutability = field(default_factory=Mutability)

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> ProviderSettings:
        """Return the settings from the engine's `variables`. Raises InputError for what this stand-in can't do."""

        def text(key: str) -> str:
            return variables.get(PREFIX + key, "")

        def flag(key: str, default: str = "false") -> bool:
            return (variables.get(PREFIX + key) or os.environ.get(_ENVIRONMENT[key], default)) == "true"

        if not flag("enableServerSideApply", "true"):
            raise InputError(Problem("This stand-in knows server-side apply only", "Leave enableServerSideApply on."))
        if text("renderYamlToDirectory"):
            raise InputError(Problem("This stand-in does not render YAML", "Use ./ggi render."))
        return cls(
            kubeconfig=text("kubeconfig"),
            context=text("context"),
            cluster=text("cluster"),
            namespace=text("namespace"),
            delete_unreachable=flag("deleteUnreachable"),
            skip_update_unreachable=flag("skipUpdateUnreachable"),
            patch_force=flag("enablePatchForce"),
            upsert=flag("upsertExistingObjects"),
            mutability=Mutability(flag("enableConfigMapMutable"), flag("enableSecretMutable")),
        )


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """A kubeconfig that was read: its content and the file that it came from (None: from text)."""

    content: dict[str, Any]
    file: Path | None = None

    @classmethod
    def load(cls, path_or_content: str) -> Kubeconfig:
        """Read a path or the text itself; '' means $KUBECONFIG (its first file that exists) or ~/.kube/config.

        Raises InputError.
        """
        if path_or_content:
            file = Path(path_or_content).expanduser()
            if not _is_file(file):
                return cls(_mapping(path_or_content, "the provider's kubeconfig"))
        else:
            listed = [Path(part) for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
            candidates = listed or [Path("~/.kube/config").expanduser()]
            file = next((candidate for candidate in candidates if _is_file(candidate)), candidates[0])
        try:
            return cls(_mapping(file.read_text(encoding="utf-8"), str(file)), file)
        except OSError as error:
            raise InputError(Problem(f"{file}: {error.strerror}", "Set KUBECONFIG to a file that is there.")) from error

    def context_name(self, settings: Mapping[str, Any]) -> str:
        """Return the context that counts: the provider's, else the file's current one."""
        return str(settings.get("context") or self.content.get("current-context") or "")

    def context(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return that context's content; empty when it is not there."""
        return _named(self.content, "contexts", "context", self.context_name(settings))

    def active_cluster(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the cluster that the context (or the provider's `cluster`) names; empty when it is not there."""
        name = settings.get("cluster") or self.context(settings).get("cluster")
        return _named(self.content, "clusters", "cluster", str(name))

    def with_cluster(self, settings: ProviderSettings) -> dict[str, Any]:
        """Return the content in which the active context uses the provider's `cluster`, when that is set."""
        if not settings.cluster:
            return self.content
        wanted = self.context_name({"context": settings.context})
        contexts = [
            item | {"context": (item.get("context") or {}) | {"cluster": settings.cluster}}
            if item.get("name") == wanted
            else item
            for item in self.content.get("contexts") or []
        ]
        return self.content | {"contexts": contexts}


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a kubeconfig's text is no possible path
        return False


def _mapping(text: str, name: str) -> dict[str, Any]:
    # Imported here: the engine starts a process for each look at the configuration, and most of them never connect.
    import yaml

    try:
        content = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are the safe one
    except yaml.YAMLError as error:
        # The error is not shown: it quotes the text, which holds keys and tokens.
        raise InputError(Problem(f"{name} is not readable as YAML")) from error
    if not isinstance(content, dict):
        raise InputError(Problem(f"{name} is neither a file nor a kubeconfig"))
    return content


def _named(content: Mapping[str, Any], plural: str, singular: str, name: str) -> dict[str, Any]:
    for item in content.get(plural) or []:
        if item.get("name") == name:
            return dict(item.get(singular) or {})
    return {}


@dataclass(frozen=True, slots=True)
class ProviderChange:
    """What changed in the provider's configuration, and which of it replaces the provider and all that it made."""

    changed: tuple[str, ...]
    replaces: tuple[str, ...]


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> ProviderChange:
    """Return what a change from `old` to `new` means (DiffConfig of the official plugin).

    With an identifier on both sides, it alone decides: replaced when it differs. Adding or removing it replaces
    nothing by itself. Without one, another active cluster in the kubeconfig replaces everything.
    """
    changed = tuple(sorted(key for key in {*old, *new} if old.get(key) != new.get(key)))
    if not changed:
        return ProviderChange((), ())
    replaces: list[str] = []
    if old.get(IDENTIFIER) and new.get(IDENTIFIER):
        if old[IDENTIFIER] == new[IDENTIFIER]:
            return ProviderChange(changed, ())
        replaces.append(IDENTIFIER)
    unknown = [key for key in CONNECTION if isinstance(new.get(key), Unknown)]
    if unknown:
        return ProviderChange((unknown[0],), (*replaces, unknown[0]))
    before, after = _cluster_of(old), _cluster_of(new)
    if before and after and before != after:
        replaces += [key for key in CONNECTION if key in changed]
    return ProviderChange(changed, tuple(replaces))


def _cluster_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    kubeconfig = settings.get("kubeconfig")
    if not kubeconfig:
        # As the official plugin: the environment's kubeconfig is not looked at, it differs from machine to machine.
        return {}
    if isinstance(kubeconfig, dict):
        return Kubeconfig(kubeconfig).active_cluster(settings)
    try:
        return Kubeconfig.load(str(kubeconfig)).active_cluster(settings)
    except InputError:
        return {}


def default_namespace(settings: ProviderSettings, kubeconfig: Kubeconfig) -> str:
    """Return the namespace of objects that name none: the provider's, the context's, else `default`."""
    context = kubeconfig.context({"context": settings.context})
    return settings.namespace or str(at(context, "namespace") or "") or "default"
