"""Manager, controller, inway, outway and transaction log go in lockstep."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict about all parts together."""
    versions = {n: i.version.version for n, i in seen.landscape.components.items() if n.startswith("fsc")}
    if len(versions) > 1:
        told = [Detail("version", f"{name} {version}") for name, version in sorted(versions.items())]
        yield verdict("fscmanager", len(set(versions.values())) == 1, told)
