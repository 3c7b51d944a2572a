"""Everything that no rule allows is denied: one policy for all pods, both directions, without rules."""

from collections.abc import Iterator

from ggi.controls.sdk import Observation, Verdict, verdict

SUBJECT = "platform/NetworkPolicy/default-deny"


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict about the namespace."""
    for subject in seen.of("NetworkPolicy"):
        spec = subject.body.get("spec") or {}
        everything = not any((spec.get("podSelector") or {}).values())
        both = set(spec.get("policyTypes") or ()) == {"Ingress", "Egress"}
        if everything and both and not spec.get("ingress") and not spec.get("egress"):
            yield verdict(subject.name, True, "all pods, both directions")
            return
    yield verdict(SUBJECT, False, "none for all pods and both directions")
