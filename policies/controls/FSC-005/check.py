"""No grants that sign themselves, one group, audit log on, and TLS at every own and group address."""

from collections.abc import Iterator, Mapping

from ggi.controls.sdk import Detail, Observation, Verdict, hosts, verdict

OWN = {"TLS_CERT": "tls.crt", "TLS_KEY": "tls.key", "TLS_ROOT_CERT": "ca.crt"}
GROUP = {"TLS_GROUP_CERT": "tls.crt", "TLS_GROUP_KEY": "tls.key", "TLS_GROUP_ROOT_CERT": "ca.crt"}
WANTED: Mapping[str, Mapping[str, str]] = {
    "fscmanager": {"AUTO_SIGN_GRANTS": "", "AUDITLOG_TYPE": "stdout", "LOG_TYPE": "live"},
    "fsccontroller": {"AUDITLOG_TYPE": "stdout", "LOG_TYPE": "live"},
    "fscinway": {"LOG_TYPE": "live"},
    "fscoutway": {"LOG_TYPE": "live", "ENABLE_GRANT_HASH_SUGGESTION": "false"},
    "fsctxlog": {"LOG_TYPE": "live"},
}


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per part of FSC."""
    found = {name: seen.config(name, "env") for name in WANTED}
    groups = {data["GROUP_ID"] for data in found.values() if data is not None and "GROUP_ID" in data}
    for name, data in found.items():
        if data is not None:
            wrong = [*_wrong(seen, name, data)]
            if name != "fsctxlog" and (len(groups) != 1 or "GROUP_ID" not in data):
                wrong.append(Detail("group"))
            yield verdict(f"{name}/ConfigMap/env", not wrong, wrong or Detail("people-sign"))


def _wrong(seen: Observation, name: str, data: Mapping[str, str]) -> Iterator[Detail]:
    yield from (Detail("setting", key) for key, value in WANTED[name].items() if data.get(key) != value)
    yield from (Detail("setting", key) for key, file in OWN.items() if data.get(key) != f"/etc/ggi/internal/{file}")
    if name not in ("fsccontroller", "fsctxlog"):
        yield from (Detail("setting", key) for key, file in GROUP.items() if data.get(key) != f"/etc/ggi/group/{file}")
    for key, value in data.items():
        if key.startswith("TLS_GROUP_") and key not in GROUP and not value.startswith("/etc/ggi/group/tls."):
            yield Detail("setting", key)
    process = seen.landscape.components[name].component.processes[0]
    known = {f"0.0.0.0:{port.number}" for port in process.ports}
    if process.beside:
        # The page for people, to which the web server of the same pod passes on.
        known.add("127.0.0.1:8080")
    listening = [value for key, value in data.items() if key.startswith(("LISTEN_ADDRESS", "MONITORING_ADDRESS"))]
    if set(listening) != known or len(listening) != len(known):
        yield Detail("listening")
    if "SELF_ADDRESS" in data and data["SELF_ADDRESS"] != f"https://{hosts(seen).get(name, '')}:443":
        yield Detail("setting", "SELF_ADDRESS")
    if name in ("fscinway", "fscmanager") and "SELF_ADDRESS" not in data:
        yield Detail("setting", "SELF_ADDRESS")
