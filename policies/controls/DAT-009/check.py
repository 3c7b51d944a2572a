"""Class, access mode and size of every claim are those that its component declares."""

from collections.abc import Iterator, Mapping
from typing import Any

from ggi.controls.sdk import Detail, Observation, Subject, Verdict, Volume, parse_quantity, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per claim of the landscape, and per StatefulSet."""
    known = seen.planned
    for subject in seen.of("PersistentVolumeClaim", "StatefulSet"):
        if subject.name not in known:
            continue
        if subject.kind == "StatefulSet":
            wrong = [*_templates(seen, subject)]
        else:
            volumes = _volumes(seen, subject.component)
            wrong = [*_wrong(seen, subject.body.get("spec") or {}, volumes[subject.name.rpartition("/")[2]])]
        yield verdict(subject.name, not wrong, wrong)


def _volumes(seen: Observation, component: str) -> dict[str, Volume]:
    processes = seen.landscape.components[component].component.processes
    return {volume.name: volume for process in processes for volume in process.volumes}


def _templates(seen: Observation, subject: Subject) -> Iterator[Detail]:
    process = seen.landscape.components[subject.component].component.process(subject.name.rpartition("/")[2])
    templates = {
        str((item.get("metadata") or {}).get("name")): item.get("spec") or {}
        for item in (subject.body.get("spec") or {}).get("volumeClaimTemplates") or ()
    }
    if set(templates) != {volume.name for volume in process.volumes}:
        yield Detail("volumes")
        return
    for volume in process.volumes:
        yield from _wrong(seen, templates[volume.name], volume, own=True)


def _wrong(seen: Observation, spec: Mapping[str, Any], volume: Volume, *, own: bool = False) -> Iterator[Detail]:
    storage = seen.environment.cluster.storage
    shared = volume.shared and not own
    if spec.get("storageClassName") != (storage.shared if shared else storage.block):
        yield Detail("class", str(spec.get("storageClassName")))
    if list(spec.get("accessModes") or ()) != ["ReadWriteMany" if shared else "ReadWriteOnce"]:
        yield Detail("access-mode")
    size = str(((spec.get("resources") or {}).get("requests") or {}).get("storage", "0"))
    # A claim may have grown; it never shrinks.
    if not parse_quantity(volume.size) <= parse_quantity(size) <= 100 * parse_quantity(volume.size):
        yield Detail("size", size)
