"""Objects that the landscape itself makes are nobody else's."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict about all of them, and one per object that names an owner."""
    known = seen.planned
    owned = [s for s in seen.subjects if s.name in known and s.owned]
    for subject in owned:
        owners = (subject.body.get("metadata") or {}).get("ownerReferences") or ()
        yield verdict(subject.name, False, [Detail("owner", f"{o.get('kind')} {o.get('name')}") for o in owners])
    if not owned:
        yield verdict(seen.stack, True, Detail("no-owners"))
