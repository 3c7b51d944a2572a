"""Everything that no rule allows is denied: one policy for all pods, both directions, without rules."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, verdict

SUBJECT = "platform/NetworkPolicy/default-deny"


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict about the namespace."""
    for subject in seen.of("NetworkPolicy"):
        spec = subject.body.get("spec") or {}
        everything = not any((spec.get("podSelector") or {}).values())
        both = set(spec.get("policyTypes") or ()) == {"Ingress", "Egress"}
        if everything and both and not spec.get("ingress") and not spec.get("egress"):
            yield verdict(subject.name, True, [Detail("all-pods"), Detail("both-directions")])
            return
    yield verdict(SUBJECT, False, Detail("no-default-deny"))
