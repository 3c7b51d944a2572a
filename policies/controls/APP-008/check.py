"""Server, port, encryption and sender of every application that can send mail."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, verdict


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
            wrong.append(Detail("server"))
        if "True" not in (data.get("EMAIL_USE_TLS"), data.get("EMAIL_USE_SSL")):
            wrong.append(Detail("not-encrypted"))
        if not str(data.get("DEFAULT_FROM_EMAIL", "")).endswith(f"@{domain}"):
            wrong.append(Detail("sender"))
        yield verdict(subject.name, not wrong, wrong or Detail("mail-server", cluster.smtp_host))
