"""What objects of a namespace refer to by name, and what there is: for controls over dangling references."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ggi.controls.allowed_flows import matches
from ggi.controls.evidence import Detail
from ggi.controls.observation import Observation, Subject

Keys = Mapping[str, frozenset[str] | None]
"""Keys by name; None where nobody but its maker knows them."""
CERTIFICATE_KEYS = frozenset({"tls.crt", "tls.key", "ca.crt"})
_FILE = re.compile(r"/etc/ggi/[\w./-]+")
"""Where the landscape mounts keys and certificates."""
_URL = re.compile(r"https?://[^\s\"',#;<>\\]+")


@dataclass(frozen=True)
class Names:
    """What can be referred to in one namespace."""

    config_maps: Keys
    secrets: Keys
    claims: frozenset[str]
    accounts: frozenset[str]
    files: Mapping[str, frozenset[str]]
    """The files of keys and certificates that the values in every ConfigMap name."""


def _keys(subject: Subject) -> frozenset[str]:
    return frozenset(subject.body.get("data") or {}) | frozenset(subject.body.get("binaryData") or {})


def encrypted(seen: Observation) -> frozenset[str]:
    """The Secrets that a state keeps encrypted, keys and all: what they hold is not known.

    Example: `subject.kube_name in encrypted(seen)`.
    """
    return frozenset(s.kube_name for s in seen.of("Secret") if s.body.get("data") == {})


def names(seen: Observation) -> Names:
    """The names of this namespace, also of what operators and inputs bring.

    Example: `"openzaak" in names(seen).accounts`.
    """
    secrets: dict[str, frozenset[str] | None] = {}
    for name in seen.landscape.order:
        item = seen.landscape.components[name]
        for process in (q for p in item.component.processes for q in (p, *p.beside)):
            # A Secret that somebody else makes, as the component declares it.
            secrets |= {mount.secret: frozenset(mount.keys) or None for mount in process.secret_mounts}
    for subject in seen.of("Cluster"):
        secrets[f"{subject.kube_name}-ca"] = frozenset({"ca.crt", "ca.key"})
    for subject in seen.of("Certificate"):
        secrets[str((subject.body.get("spec") or {}).get("secretName", ""))] = CERTIFICATE_KEYS
    closed = encrypted(seen)
    secrets |= {s.kube_name: None if s.kube_name in closed else _keys(s) for s in seen.of("Secret")}
    return Names(
        config_maps={s.kube_name: _keys(s) for s in seen.of("ConfigMap")},
        secrets=secrets,
        claims=frozenset(s.kube_name for s in seen.of("PersistentVolumeClaim")),
        accounts=frozenset(s.kube_name for s in seen.of("ServiceAccount")),
        files={
            s.kube_name: frozenset(f for text in (s.body.get("data") or {}).values() for f in _FILE.findall(str(text)))
            for s in seen.of("ConfigMap")
        },
    )


def containers(pod: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """All containers of a pod, in the order in which they start.

    Example: `[c["image"] for c in containers(subject.pod or {})]`.
    """
    return [*(pod.get("initContainers") or ()), *(pod.get("containers") or ())]


def _missing(known: Keys, kind: str, name: str, keys: Iterator[str]) -> Iterator[Detail]:
    if name not in known:
        yield Detail("reference", f"{kind} {name}") if name else Detail("nameless", kind)
        return
    has = known[name]
    yield from (Detail("key", f"{key} {kind} {name}") for key in keys if has is not None and key not in has)


def _volume(volume: Mapping[str, Any], known: Names) -> Iterator[Detail]:
    for field, kind, name_field, there in (
        ("configMap", "ConfigMap", "name", known.config_maps),
        ("secret", "Secret", "secretName", known.secrets),
    ):
        if (source := volume.get(field)) is not None and not source.get("optional"):
            keys = (str(item.get("key", "")) for item in source.get("items") or ())
            yield from _missing(there, kind, str(source.get(name_field, "")), keys)
    if (claim := volume.get("persistentVolumeClaim")) is not None and claim.get("claimName") not in known.claims:
        name = claim.get("claimName")
        yield Detail("claim", name) if name else Detail("nameless", "claim")


def _files(volume: Mapping[str, Any], known: Names) -> frozenset[str] | None:
    """The files that a volume brings; None when that is not known."""
    for field, name_field, there in (
        ("configMap", "name", known.config_maps),
        ("secret", "secretName", known.secrets),
    ):
        if (source := volume.get(field)) is not None:
            if source.get("items"):
                return frozenset(str(item.get("path", "")) for item in source["items"])
            return there.get(str(source.get(name_field, "")))
    return None


def _container(container: Mapping[str, Any], volumes: frozenset[str], known: Names) -> Iterator[Detail]:
    for source in container.get("envFrom") or ():
        for field, kind, there in (
            ("configMapRef", "ConfigMap", known.config_maps),
            ("secretRef", "Secret", known.secrets),
        ):
            if field in source and not source[field].get("optional"):
                yield from _missing(there, kind, str(source[field].get("name", "")), iter(()))
        if not {"configMapRef", "secretRef"} & set(source):
            yield Detail("env-from-nowhere")
    for entry in container.get("env") or ():
        for field, kind, there in (
            ("configMapKeyRef", "ConfigMap", known.config_maps),
            ("secretKeyRef", "Secret", known.secrets),
        ):
            if (source := (entry.get("valueFrom") or {}).get(field)) is not None and not source.get("optional"):
                key = iter((str(source.get("key", "")),))
                yield from _missing(there, kind, str(source.get("name", "")), key)
    for mount in container.get("volumeMounts") or ():
        if mount.get("name") not in volumes:
            yield Detail("volume", mount["name"]) if mount.get("name") else Detail("nameless", "volume")


def _paths(container: Mapping[str, Any], files: Mapping[str, frozenset[str] | None], known: Names) -> Iterator[Detail]:
    """Mounts at no place or at the same one, and files that the configuration names and that nothing mounts."""
    mounted: set[str] = set()
    places: list[str] = []
    for mount in container.get("volumeMounts") or ():
        place = str(mount.get("mountPath", ""))
        places.append(place)
        has = files.get(str(mount.get("name", "")))
        mounted |= {place} if "subPath" in mount else {f"{place}/{name}" for name in has or ()}
    wrong = (place for place in places if place[:1] != "/" or places.count(place) > 1)
    yield from (Detail("mount", place) if place else Detail("mount-nowhere") for place in wrong)
    named = [
        known.files.get(str((source.get("configMapRef") or {}).get("name", "")), frozenset())
        for source in container.get("envFrom") or ()
    ]
    for path in sorted(frozenset[str]().union(*named)):
        if path not in mounted:
            yield Detail("file", path)


def dangling(subject: Subject, known: Names) -> list[Detail]:
    """What the pods of a workload refer to and what is not there; also volumes that nothing mounts.

    Example: `verdict(subject.name, not (missing := dangling(subject, names(seen))), missing)`.
    """
    pod = subject.pod or {}
    found: list[Detail] = []
    volumes = [volume for volume in pod.get("volumes") or () if isinstance(volume, Mapping)]
    for volume in volumes:
        found += _volume(volume, known)
    templates = (subject.body.get("spec") or {}).get("volumeClaimTemplates") or ()
    claimed = {str((template.get("metadata") or {}).get("name", "")) for template in templates}
    there = frozenset({str(volume.get("name", "")) for volume in volumes} | claimed)
    mounted: set[str] = set()
    files = {str(volume.get("name", "")): _files(volume, known) for volume in volumes}
    for container in containers(pod):
        found += _container(container, there, known)
        for mount in container.get("volumeMounts") or ():
            has = files.get(str(mount.get("name", "")))
            if "subPath" in mount and has is not None and mount["subPath"] not in has:
                found.append(Detail("file", mount["subPath"]))
        found += _paths(container, files, known)
        mounted |= {str(mount.get("name", "")) for mount in container.get("volumeMounts") or ()}
    found += [Detail("unmounted", name) for name in there - mounted]
    account = str(pod.get("serviceAccountName") or "default")
    if account not in known.accounts:
        found.append(Detail("reference", f"ServiceAccount {account}"))
    for secret in pod.get("imagePullSecrets") or ():
        found += _missing(known.secrets, "Secret", str(secret.get("name", "")), iter(()))
    return sorted(set(found))


def workloads(seen: Observation) -> list[Subject]:
    """Everything that makes pods here.

    Example: `for subject in workloads(seen): ...`.
    """
    if "workloads" not in seen.memory:
        seen.memory["workloads"] = [s for s in seen.subjects if s.pod is not None and not s.owned]
    return list(seen.memory["workloads"])


def ports_of(seen: Observation, selector: Mapping[str, str]) -> set[str | int] | None:
    """Names and numbers of the ports of the pods that a Service selects; None when it selects no pod.

    Example: `ports_of(seen, service.body["spec"]["selector"])` gives `{"http", 8000}`.
    """
    if not selector:
        return None
    chosen = [s for s in workloads(seen) if matches({"matchLabels": selector}, s.pod_labels)]
    found: set[str | int] = set()
    for subject in chosen:
        for container in containers(subject.pod or {}):
            for port in container.get("ports") or ():
                found |= {port.get("name", ""), port.get("containerPort", 0)}
    return found if chosen else None


def service_ports(seen: Observation) -> dict[str, set[int]]:
    """The ports of every Service by name, also of those that operators make.

    Example: `443 in service_ports(seen)["openzaak-web"]`.
    """
    found = {
        s.kube_name: {int(p.get("port", 0)) for p in (s.body.get("spec") or {}).get("ports") or ()}
        for s in seen.of("Service")
    }
    for name in seen.landscape.order:
        for process in seen.landscape.components[name].component.processes:
            if process.service:
                found[process.service] = {port.number for port in process.ports}
    return found


def urls(text: str) -> Iterator[tuple[str, str, int]]:
    """Scheme, host and port of every address in a text.

    Example: `urls("at https://a.test/")` yields `("https", "a.test", 443)`.
    """
    for found in _URL.findall(text):
        try:
            parts = urlsplit(found)
            yield parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            yield "", found, 0


def hosts(seen: Observation) -> dict[str, str]:
    """The public host name of every component that has a route, by component.

    Example: `hosts(seen)["openzaak"]` is `openzaak.rijnstad.test`.
    """
    return {
        name: seen.environment.host(name)
        for name in seen.landscape.order
        if seen.landscape.components[name].component.route and not seen.landscape.components[name].external
    }
