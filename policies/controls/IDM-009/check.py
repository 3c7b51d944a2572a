"""The paths that the gateway forwards to Keycloak are those of the own realm."""

from collections.abc import Iterator

from ggi.audit.check import Seen, Verdict, verdict


def check(seen: Seen) -> Iterator[Verdict]:
    """One verdict per route to Keycloak."""
    allowed = {f"{path}{seen.stack}" for path in ("/realms/", "/admin/", "/admin/realms/")} | {"/resources"}
    for subject in seen.of("HTTPRoute"):
        rules = (subject.body.get("spec") or {}).get("rules") or ()
        paths = []
        for rule in rules:
            names = [str(backend.get("name", "")) for backend in rule.get("backendRefs") or ()]
            if any(name.startswith("keycloak-") for name in names):
                # Without a match every path is meant.
                matches = [m.get("path") or {} for m in rule.get("matches") or ({},)]
                paths += [str(p.get("value", "/")) for p in matches if p.get("type", "PathPrefix") != "Exact"]
        if paths:
            open_paths = sorted(set(paths) - allowed)
            yield verdict(subject.name, not open_paths, ", ".join(open_paths or sorted(paths)))
