"""Every Gateway is the target of a ClientTrafficPolicy with TLS settings, as a whole."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, verdict

GROUP = "gateway.networking.k8s.io"


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per Gateway, when this cluster's gateway is set by ClientTrafficPolicies."""
    if seen.environment.cluster.gateway.adapter != "envoy":
        return
    targets = [
        (target.get("group"), target.get("kind"), target.get("name"))
        for policy in seen.of("ClientTrafficPolicy")
        if (policy.body.get("spec") or {}).get("tls")
        for target in (policy.body.get("spec") or {}).get("targetRefs") or ()
        if "sectionName" not in target
    ]
    for subject in seen.of("Gateway"):
        found = (GROUP, "Gateway", subject.kube_name) in targets
        yield verdict(subject.name, found, Detail("whole-gateway" if found else "no-settings"))
