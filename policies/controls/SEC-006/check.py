"""`value_from` names keys of the component's own Secret, every key is used, and clients and relations fit together."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ggi.controls.sdk import Detail, Observation, Verdict, encrypted, hosts, verdict

_CLIENT = re.compile(r"([a-z0-9-]+)-r[0-9]+")
CREDENTIALS = {"secret", "header_value", "oidc_rp_client_secret", "token", "password"}


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per component with a configuration document."""
    for name in seen.landscape.order:
        text = (seen.config(name, "setup") or {}).get("data.yaml")
        if text is None:
            continue
        prefix = f"{name}/Secret/setup"
        own = [s for s in seen.of("Secret") if s.name.startswith(prefix)]
        closed = any(s.kube_name in encrypted(seen) for s in own)
        keys = {k for s in own for k in s.body.get("data") or {}}
        document = json.loads(text)
        named = set(_named(document))
        wrong = [Detail("not-in-secret", key) for key in sorted(named - keys) if not closed]
        wrong += [Detail("not-used", key) for key in sorted(keys - named)]
        inside = {f"{seen.environment.namespace}.svc", *hosts(seen).values()}
        wrong += sorted(set(_without(document, inside))) + _relations(seen, name, document)
        fine = None if closed and not wrong else not wrong
        yield verdict(f"{name}/ConfigMap/setup", fine, wrong or [Detail("key", key) for key in sorted(named)])


def _named(value: Any) -> Iterator[str]:
    """Names of environment variables that values come from."""
    if isinstance(value, dict):
        if value.keys() == {"value_from"} and isinstance(value["value_from"], dict):
            yield str(value["value_from"].get("env", ""))
        for item in value.values():
            yield from _named(item)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item)


def _without(value: Any, inside: set[str]) -> Iterator[Detail]:
    """Credentials that do not come from a variable; clients and services without one.

    A public register outside, of which APP-007 knows the address, asks for none.
    """
    if isinstance(value, dict):
        for key, item in value.items():
            if key in CREDENTIALS and not (isinstance(item, dict) and set(item) == {"value_from"}):
                yield Detail("written-out", key)
            yield from _without(item, inside)
        if value.get("auth_type") == "zgw" and "api_root" in value and "secret" not in value:
            yield Detail("service-without-secret")
        if value.get("auth_type") == "api_key" and "header_value" not in value:
            yield Detail("service-without-key")
        public = not any(str(urlsplit(str(value.get("api_root"))).hostname).endswith(host) for host in inside)
        if value.get("auth_type") not in (None, "zgw", "api_key", *(("no_auth",) if public else ())):
            yield Detail("auth-type", value["auth_type"])
    elif isinstance(value, list):
        for item in value:
            yield from _without(item, inside)


def _relations(seen: Observation, name: str, document: Mapping[str, Any]) -> list[Detail]:
    """Clients that are let in and that no relation explains; services that are called as somebody else."""
    callers = {
        user
        for user in seen.landscape.order
        if any(use.component == name for use in seen.landscape.components[user].component.uses)
    } | {name}
    found: list[Detail] = []
    for item in (document.get("vng_api_common_credentials") or {}).get("items") or ():
        client = _CLIENT.fullmatch(str(item.get("identifier", "")))
        if client is None or client[1] not in callers or "secret" not in item:
            found.append(Detail("client", str(item.get("identifier"))))
    for item in (document.get("tokenauth") or {}).get("items") or ():
        client = _CLIENT.match(str(item.get("identifier", "")))
        if client is None or client[1] not in callers or "token" not in item:
            found.append(Detail("token-of", str(item.get("identifier"))))
        if item.get("is_superuser") or item.get("permissions"):
            found.append(Detail("rights-of", str(item.get("identifier"))))
    for item in (document.get("vng_api_common_applicaties") or {}).get("items") or ():
        clients = [_CLIENT.fullmatch(str(client)) for client in item.get("client_ids") or ()]
        if not clients or any(client is None or client[1] not in seen.landscape.order for client in clients):
            found.append(Detail("clients-of", str(item.get("label"))))
    for item in (document.get("zgw_consumers") or {}).get("services") or ():
        own = [item.get(key) for key in ("client_id", "user_id") if item.get("auth_type") == "zgw"]
        if "auth_type" not in item or any(not str(who).startswith(f"{name}-r") for who in own):
            found.append(Detail("service", str(item.get("identifier"))))
        if item.get("auth_type") == "api_key" and item.get("header_key") != "Authorization":
            found.append(Detail("header-of", str(item.get("identifier"))))
    return found
