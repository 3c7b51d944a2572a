"""An image whose digest nobody has read is not judged: it is neither shown to be right nor to be wrong."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per component."""
    for name in seen.landscape.order:
        item = seen.landscape.components[name]
        unknown = sorted(n for n, image in item.version.images.items() if image.digest == "unknown")
        if not item.external:
            told = Detail("digest-unknown", ", ".join(unknown)) if unknown else Detail("known")
            yield verdict(name, None if unknown else True, told)
