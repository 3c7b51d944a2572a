"""Issuers of certificates in production that only try things out."""

import re
from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, verdict

TRIAL = re.compile(r"(^|[-_.])(staging|stage|pebble|fake|dev|ontw|selfsigned|self-signed)([-_.]|$)")
"""Words in the name of an issuer: letsencrypt-staging is what the documentation of cert-manager calls such a one."""


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per certificate that an issuer of the cluster signs, in production."""
    if seen.environment.name != "prod":
        return
    for subject in seen.of("Certificate"):
        issuer = (subject.body.get("spec") or {}).get("issuerRef") or {}
        if issuer.get("kind") == "ClusterIssuer":
            name = str(issuer.get("name"))
            yield verdict(subject.name, TRIAL.search(name) is None, Detail("issuer", name))
