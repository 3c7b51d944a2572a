"""Every address in a ConfigMap is a Service here, a public name of this landscape, or one that the inventory names."""

from collections.abc import Iterator

from ggi.controls.sdk import Detail, Observation, Verdict, hosts, service_ports, urls, verdict

OUTSIDE = ("DIRECTORY_MANAGER_ADDRESS",)
"""Addresses of others, which FSC's own controls look at."""
NATIONAL = {"selectielijst.openzaak.nl"}
"""What every gemeente uses, whoever runs its components: the retention periods that Open Zaak chooses from."""


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per ConfigMap that names an address or a server."""
    services, public = service_ports(seen), set(hosts(seen).values())
    ending = f".{seen.environment.namespace}.svc"
    external = {item.external.host for item in seen.environment.components.values() if item.external is not None}
    embedding = {host for item in seen.environment.components.values() for host in getattr(item, "embedded_on", ())}
    for subject in seen.of("ConfigMap"):
        found = 0
        wrong: list[Detail] = []
        for key, text in (subject.body.get("data") or {}).items():
            if key in OUTSIDE or key.endswith((".sh", ".py")):
                continue
            for scheme, host, port in urls(str(text)):
                found += 1
                if host.endswith(ending):
                    fine = scheme == "https" and port in services.get(host.removesuffix(ending), ())
                elif host == "127.0.0.1":
                    # Only what stays inside a pod needs no TLS: a web server may pass on to its own pod.
                    fine = key.startswith("etc_nginx_")
                else:
                    fine = host in public | external | embedding | NATIONAL and scheme == "https"
                wrong += [] if fine else [Detail("address", f"{key}: {scheme}://{host}:{port}")]
        servers = _servers(subject.body.get("data") or {}, services, ending, external)
        wrong += [Detail("address", f"{key} {host}") for key, host in servers]
        if found or wrong:
            yield verdict(subject.name, not wrong, sorted(set(wrong)) or Detail("addresses", found))


def _servers(
    data: dict[str, str], services: dict[str, set[int]], ending: str, external: set[str]
) -> Iterator[tuple[str, str]]:
    """Servers that are named without a scheme."""
    for key in ("DB_HOST", "POSTGRES_HOST"):
        if (host := data.get(key)) is not None and host.removesuffix(ending) not in services and host not in external:
            yield key, host
