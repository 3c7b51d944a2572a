"""Callers of Open Zaak that nobody bounds to scopes."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict about Open Zaak, where it is part of the landscape."""
    if "openzaak" not in seen.landscape.order or seen.landscape.components["openzaak"].external:
        return
    named = sorted(getattr(seen.environment.components["openzaak"], "all_rights", ()))
    yield verdict("openzaak", not named, [Detail("all-rights", name) for name in named] or Detail("no-all-rights"))
