"""Every image of every pod and database is one that the release of this environment names, if need be by a mirror."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per workload and per database cluster."""
    cluster = seen.landscape.environment.cluster
    every = (image for item in seen.landscape.components.values() for image in item.version.images.values())
    known = {cluster.image(image.reference) for image in every}
    for subject in seen.subjects:
        if subject.owned:
            continue
        if subject.kind == "Cluster":
            images = [str(subject.body["spec"].get("imageName", ""))]
        elif subject.pod is not None:
            pod = subject.pod
            images = [c["image"] for c in [*pod["containers"], *(pod.get("initContainers") or ())]]
        else:
            continue
        strange = sorted({image for image in images if image not in known})
        yield verdict(subject.name, not strange, [Detail("image", name) for name in strange or sorted(set(images))])
