"""The repositories of a release's images against those that are allowed."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per component of the landscape, over its images in the release."""
    allowed = seen.facts.catalogue.repositories
    release = seen.facts.catalogue.releases[seen.environment.release].model
    for name in seen.landscape.order:
        version = release.components.get(name)
        if version is None or seen.landscape.components[name].external:
            continue
        images = sorted({image.repository for image in version.images.values()})
        wrong = [image for image in images if image not in allowed]
        known = sorted({allowed[image] for image in images if image in allowed})
        yield verdict(name, not wrong, [Detail("image", i) for i in wrong] or [Detail("publisher", k) for k in known])
