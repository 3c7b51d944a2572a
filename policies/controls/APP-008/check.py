"""Server, port, encryption and sender of every application that can send mail."""

from collections.abc import Iterator

from ggi.controls.sdk import Observation, Verdict, verdict


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per application with mail."""
    cluster, domain = seen.environment.cluster, seen.environment.domain
    if not cluster.smtp_host or cluster.smtp is None:
        return
    ports = {str(port) for port in cluster.smtp.ports}
    for subject in seen.of("ConfigMap"):
        data = subject.body.get("data") or {}
        if "DJANGO_SETTINGS_MODULE" not in data:
            continue
        wrong = []
        if data.get("EMAIL_HOST") != cluster.smtp_host or data.get("EMAIL_PORT") not in ports:
            wrong.append("server")
        if "True" not in (data.get("EMAIL_USE_TLS"), data.get("EMAIL_USE_SSL")):
            wrong.append("not encrypted")
        if not str(data.get("DEFAULT_FROM_EMAIL", "")).endswith(f"@{domain}"):
            wrong.append("sender")
        yield verdict(subject.name, not wrong, ", ".join(wrong) or cluster.smtp_host)
