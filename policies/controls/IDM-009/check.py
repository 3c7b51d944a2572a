"""The paths that the gateway forwards to Keycloak are those of the own realm."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ggi.controls.sdk import Detail, Observation, Verdict, verdict

SHARED = {"/resources", "/admin/serverinfo"}
"""What the console of every realm needs: its pages, and what the server can do (nobody learns it without a log-in)."""


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per route to Keycloak."""
    allowed = {f"{path}{seen.stack}" for path in ("/realms/", "/admin/", "/admin/realms/")} | SHARED
    for subject in seen.of("HTTPRoute"):
        rules: Sequence[Mapping[str, Any]] = (subject.body.get("spec") or {}).get("rules") or ()
        paths = []
        for rule in rules:
            names = [str(backend.get("name", "")) for backend in rule.get("backendRefs") or ()]
            if any(name.startswith("keycloak-") for name in names):
                # Without a match every path is meant.
                matches: Sequence[Mapping[str, Any]] = rule.get("matches") or ({},)
                wanted = [match.get("path") or {} for match in matches]
                paths += [str(p.get("value", "/")) for p in wanted if p.get("type", "PathPrefix") != "Exact"]
        if paths:
            open_paths = sorted(set(paths) - allowed)
            yield verdict(subject.name, not open_paths, [Detail("path", path) for path in open_paths or sorted(paths)])
