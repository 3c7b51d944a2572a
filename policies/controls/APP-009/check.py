"""Life time and reach of sessions and cookies of every application in Django."""

from collections.abc import Iterator, Mapping

from ggi.controls.sdk import Detail, Observation, Verdict, hosts, service_ports, verdict

LONGEST = 28800
"""A working day."""
FIXED = {"CSP_REPORT_ONLY": "False", "ESCAPE_REGISTRATION_OUTPUT": "True", "CORS_ALLOW_ALL_ORIGINS": "False"}


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per application."""
    known = hosts(seen)
    for subject in seen.of("ConfigMap"):
        data = subject.body.get("data") or {}
        settings = seen.environment.components.get(subject.component)
        if "DJANGO_SETTINGS_MODULE" in data and settings is not None:
            others = list(getattr(settings, "embedded_on", ()))
            services = [name for name in service_ports(seen) if name.startswith(f"{subject.component}-")]
            inside = {name + tail for name in services for tail in ("", f".{seen.environment.namespace}.svc")}
            wrong = [*_wrong(data, known.get(subject.component, ""), others, inside)]
            if _in_database(data):
                yield verdict(subject.name, False if wrong else None, wrong or Detail("session-in-database"))
            else:
                yield verdict(subject.name, not wrong, wrong or Detail("session-seconds", data["SESSION_COOKIE_AGE"]))


def _in_database(data: Mapping[str, str]) -> bool:
    """Open Formulieren reads no variable for this: its middleware takes minutes from the general configuration in its
    database (open-forms 3.5.6, middleware.py, config/models/config.py: 60 for administrators, at most 15 for forms)."""
    module = data.get("GGI_SETTINGS_MODULE", data["DJANGO_SETTINGS_MODULE"])
    return module.startswith("openforms.")


def _wrong(data: Mapping[str, str], own: str, others: list[str], inside: set[str]) -> Iterator[Detail]:
    age = str(data.get("SESSION_COOKIE_AGE", ""))
    if not _in_database(data) and (not age.isdigit() or not 0 < int(age) <= LONGEST):
        yield Detail("session", age) if age else Detail("session-of-two-weeks")
    # A form inside another site needs its cookies there; which sites that are, the inventory says.
    fine = ("None", "Lax", "Strict") if others else ("Lax", "Strict")
    for key in ("SESSION_COOKIE_SAMESITE", "CSRF_COOKIE_SAMESITE"):
        if data.get(key) not in fine:
            yield Detail("setting", f"{key} {data.get(key)}")
    if data.get("LANGUAGE_COOKIE_SAMESITE", fine[0]) not in fine:
        yield Detail("setting", "LANGUAGE_COOKIE_SAMESITE")
    allowed = {f"https://{host}" for host in (own, *others)}
    for key in ("CSRF_TRUSTED_ORIGINS", "CORS_ALLOWED_ORIGINS"):
        origins = data.get(key, f"https://{own}").split(",")
        yield from (Detail("setting", f"{key} {origin}") for origin in origins if origin not in allowed)
    yield from (Detail("setting", key) for key, value in FIXED.items() if data.get(key, value) != value)
    if not _in_database(data) and data.get("SITE_DOMAIN") != own:
        yield Detail("setting", "SITE_DOMAIN")
    names = set(data.get("ALLOWED_HOSTS", "").split(","))
    strange = (name for name in sorted(names - {own}) if name not in inside)
    yield from (Detail("setting", f"ALLOWED_HOSTS {name}") for name in strange)
