"""Name, role, server and port of the database of every application, whatever its settings are called."""

import re
from collections.abc import Iterator, Mapping

from ggi.controls.sdk import Detail, Observation, Verdict, verdict

KEYS: Mapping[str, tuple[str, str, str, str]] = {
    "DB_NAME": ("DB_NAME", "DB_USER", "DB_HOST", "DB_PORT"),
    "POSTGRES_DATABASE": ("POSTGRES_DATABASE", "POSTGRES_USER", "POSTGRES_HOST", "POSTGRES_PORT"),
}
_URL = re.compile(r"jdbc:postgresql://([^:/]+):(\d+)/(\w+)\?.*options=-c%20role%3D(\w+)")


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per application with a database."""
    settings = seen.environment.components.get("postgresql")
    for name in seen.landscape.order:
        item = seen.landscape.components[name]
        if item.external or not any(use.component == "postgresql" for use in item.component.uses):
            continue
        data = seen.config(name, "env")
        if data is None or (name.startswith("fsc") and "POSTGRES_DATABASE" not in data):
            # The address is one secret text there.
            continue
        outside = settings.external if settings else None
        host = outside.host if outside else f"postgresql-rw.{seen.environment.namespace}.svc"
        database = seen.environment.database(name)
        wrong = [*_wrong(data, host, str(outside.port if outside else 5432), database, outside is None)]
        if "DB_NAME" in data or name != "keycloak":
            fine = outside is not None or data.get("PGOPTIONS") == f"-c role={database}"
            wrong += [] if fine else [Detail("setting", "PGOPTIONS")]
        yield verdict(f"{name}/ConfigMap/env", not wrong, wrong or Detail("database", database))


def _wrong(data: Mapping[str, str], host: str, port: str, database: str, own: bool) -> Iterator[Detail]:
    role = re.compile(rf"{re.escape(database)}_r[0-9]+" if own else r".+")
    if "KC_DB_URL" in data:
        found = _URL.match(data["KC_DB_URL"])
        if own and (found is None or found.groups() != (host, port, database, database)):
            yield Detail("setting", "KC_DB_URL")
        if role.fullmatch(data.get("KC_DB_USERNAME", "")) is None:
            yield Detail("setting", "KC_DB_USERNAME")
        return
    names = next((keys for key, keys in KEYS.items() if key in data), KEYS["DB_NAME"])
    for key, wanted in zip((names[0], names[2], names[3]), (database, host, port), strict=True):
        if data.get(key) != wanted:
            yield Detail("setting", key)
    if role.fullmatch(data.get(names[1], "")) is None:
        yield Detail("setting", names[1])
