"""How the stand-in answers one request. Mirrors Graph: 400, 403, 404, 409, 412, 429, $batch, pages, $select, ETags."""

from __future__ import annotations

import copy
import hashlib
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from sandbox.graph.contract import contract
from sandbox.graph.logs import LOGS, POLICIES, matching
from sandbox.graph.state import StandInTenant, new_id

PAGE = 3
"""Objects in a page; small, so that every list has pages."""
LOG_PAGE = 100
"""Entries of a log in a page."""
BATCH = 20
SECURITY_DEFAULTS = "/policies/identitySecurityDefaultsEnforcementPolicy"
TYPES: Mapping[str, str] = {
    "/policies/authorizationPolicy": "authorizationPolicy",
    SECURITY_DEFAULTS: "identitySecurityDefaultsEnforcementPolicy",
    "/policies/adminConsentRequestPolicy": "adminConsentRequestPolicy",
    "/policies/authenticationMethodsPolicy": "authenticationMethodsPolicy",
    "/policies/b2bManagementPolicies": "b2bManagementPolicy",
    POLICIES: "conditionalAccessPolicy",
    "/groupSettings": "groupSetting",
    "/admin/sharepoint/settings": "sharepointSettings",
    "/admin/reportSettings": "adminReportSettings",
    "/teamwork/teamsAppSettings": "teamsAppSettings",
    "/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/sms": (
        "smsAuthenticationMethodConfiguration"
    ),
    "/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/voice": (
        "voiceAuthenticationMethodConfiguration"
    ),
    "/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/email": (
        "emailAuthenticationMethodConfiguration"
    ),
    "/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/microsoftAuthenticator": (
        "microsoftAuthenticatorAuthenticationMethodConfiguration"
    ),
}
"""The type at a path; that of a collection is the type of its objects."""
PUT = frozenset({"/policies/adminConsentRequestPolicy"})


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """The body as it goes over the wire."""
        return b"" if self.body is None else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Caller:
    """Who calls, by the token."""

    delegated: bool
    expires: float


def error(status: int, code: str, message: str, **headers: str) -> Reply:
    """An error as Graph words it."""
    return Reply(status, {"error": {"code": code, "message": message}}, headers)


def handle(
    tenant: StandInTenant, caller: Caller, method: str, url: str, body: Any, if_match: str = "", base: str = ""
) -> Reply:
    """Answer one request; `url` begins with the version. Everything is done under the tenant's lock."""
    with tenant.lock:
        tenant.calls += 1
        if tenant.faults.expire_tokens and tenant.calls >= tenant.faults.expire_tokens:
            tenant.faults.expire_tokens = 0
            tenant.minimum_expiry = time.time()
        if caller.expires <= time.time() or caller.expires - 3600 < tenant.minimum_expiry:
            return error(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
        version, _, rest = url.lstrip("/").partition("/")
        if version not in ("v1.0", "beta"):
            return error(400, "BadRequest", "Invalid version.")
        if rest == "$batch" and method == "POST":
            return _batch(tenant, caller, version, body, base)
        return _one(tenant, caller, method, f"/{rest}", body, if_match, f"{base}/{version}")


def _batch(tenant: StandInTenant, caller: Caller, version: str, body: Any, base: str) -> Reply:
    requests = body.get("requests", []) if isinstance(body, dict) else []
    if not requests or len(requests) > BATCH:
        return error(400, "BadRequest", f"A batch holds 1 to {BATCH} requests.")
    answers = []
    for item in requests:
        reply = _one(
            tenant,
            caller,
            item["method"],
            item["url"],
            item.get("body"),
            (item.get("headers") or {}).get("If-Match", ""),
            f"{base}/{version}",
        )
        answers.append({"id": item["id"], "status": reply.status, "headers": dict(reply.headers), "body": reply.body})
    # Real answers come in any order too.
    return Reply(200, {"responses": answers[::-1]})


def _fault(tenant: StandInTenant) -> Reply | None:
    faults = tenant.faults
    if faults.broken or 0 < faults.down_from <= tenant.calls:
        faults.broken = max(0, faults.broken - 1)
        return error(503, "serviceNotAvailable", "The service is unavailable.")
    due = faults.throttle_every and tenant.calls % faults.throttle_every == 0
    if 0 < faults.throttle_at <= tenant.calls:
        due, faults.throttle_at = True, 0
    if faults.throttle or due:
        faults.throttle = max(0, faults.throttle - 1)
        headers = {"Retry-After": faults.retry_after} if faults.retry_after else {}
        return Reply(429, {"error": {"code": "TooManyRequests", "message": "Too many requests."}}, headers)
    return None


def _one(tenant: StandInTenant, caller: Caller, method: str, url: str, body: Any, if_match: str, base: str) -> Reply:
    tenant.calls += 1
    refused = _fault(tenant)
    if refused is not None:
        return refused
    parts = urlsplit(url)
    path, query = parts.path, {k: v[0] for k, v in parse_qs(parts.query).items()}
    granted = frozenset(tenant.data["granted"]["delegated" if caller.delegated else "application"])
    needed = contract().allowed(path, method, granted, delegated=caller.delegated)
    if needed.startswith("no permission") and _place(tenant, path) is None:
        return error(404, "ResourceNotFound", f"Resource not found for the segment '{path.rsplit('/', 1)[-1]}'.")
    if needed:
        return error(
            403, "Authorization_RequestDenied", f"Insufficient privileges to complete the operation: {needed}."
        )
    if path.startswith("/identity/conditionalAccess") and "Entra ID P1" not in tenant.data["licences"]:
        return error(403, "AccessDenied", "Your tenant is not licensed for this feature: Microsoft Entra ID P1.")
    if match := re.fullmatch(r"/groups/([^/]+)/transitiveMembers", path):
        members = tenant.data["groups"].get(match[1].lower())
        if members is None:
            return error(404, "Request_ResourceNotFound", f"Resource '{match[1]}' does not exist.")
        return _page([{"id": m} for m in members], path, query, base)
    if path.lower() in LOGS:
        try:
            return _page(matching(LOGS[path.lower()](tenant), query.get("$filter", "")), path, query, base, LOG_PAGE)
        except (ValueError, KeyError) as problem:
            return error(400, "BadRequest", str(problem))
    place = _place(tenant, path)
    if place is None:
        return error(404, "ResourceNotFound", f"'{path}' does not exist.")
    collection, key = place
    if method == "GET":
        return _get(tenant, collection, key, query, base)
    return _write(tenant, method, collection, key, body, if_match)


def _place(tenant: StandInTenant, path: str) -> tuple[str, str] | None:
    """(path of the object or collection as it is kept, id in the collection)."""
    known = {p.lower(): p for p in tenant.data["graph"]}
    if path.lower() in known:
        return known[path.lower()], ""
    head, _, tail = path.rpartition("/")
    if head.lower() in known and isinstance(tenant.data["graph"][known[head.lower()]], list):
        return known[head.lower()], tail
    return None


def _etag(value: Any) -> str:
    return 'W/"' + hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16] + '"'


def _shown(value: Mapping[str, Any], query: Mapping[str, str], kind: str) -> Reply:
    body = dict(value)
    if "$select" in query:
        names = query["$select"].split(",")
        unknown = [n for n in names if n not in contract().fields(kind)]
        if unknown:
            message = f"Could not find a property named '{unknown[0]}' on type 'microsoft.graph.{kind}'."
            return error(400, "BadRequest", message)
        body = {k: v for k, v in body.items() if k in names or k == "id"}
    return Reply(200, {**body, "@odata.etag": _etag(value)})


def _get(tenant: StandInTenant, collection: str, key: str, query: Mapping[str, str], base: str) -> Reply:
    found = tenant.object(collection)
    kind = TYPES.get(collection, "")
    if isinstance(found, list):
        if not key:
            reply = _page(found, collection, query, base)
            reply.body["value"] = [{**o, "@odata.etag": _etag(o)} for o in reply.body["value"]]
            return reply
        one = next((o for o in found if o["id"] == key), None)
        return _shown(one, query, kind) if one else error(404, "ResourceNotFound", f"'{key}' does not exist.")
    return _shown(found, query, kind)


def _page(objects: list[Any], path: str, query: Mapping[str, str], base: str, size: int = PAGE) -> Reply:
    skip = int(query.get("$skiptoken", "0"))
    body: dict[str, Any] = {"value": objects[skip : skip + size]}
    if skip + size < len(objects):
        body["@odata.nextLink"] = f"{base}{path}?{urlencode({**query, '$skiptoken': skip + size})}"
    return Reply(200, body)


def _write(tenant: StandInTenant, method: str, collection: str, key: str, body: Any, if_match: str) -> Reply:
    kept = tenant.data["graph"][collection]
    many = isinstance(kept, list)
    allowed = (
        {"POST"} if many and not key else {"PATCH", "DELETE"} if many else {"PUT"} if collection in PUT else {"PATCH"}
    )
    if method not in allowed:
        return error(405, "MethodNotAllowed", f"{method} is not allowed here.")
    kind = TYPES[collection]
    old = kept if not many else next((o for o in kept if o["id"] == key), None)
    if many and key and old is None:
        return error(404, "ResourceNotFound", f"'{key}' does not exist.")
    if tenant.faults.race and old is not None:
        tenant.faults.race -= 1
        old["description"] = f"changed by somebody else at {time.time_ns()}"
    if if_match and old is not None and if_match not in ("*", _etag(old)):
        return error(412, "PreconditionFailed", "The object was changed since it was read.")
    if method == "DELETE":
        tenant.change(collection, [o for o in kept if o["id"] != key])
        return Reply(204)
    refused = [
        *contract().refusals(kind, body, create=method in ("POST", "PUT")),
        *_rules(tenant, collection, kept, body),
    ]
    if refused:
        conflict = refused[0].startswith("A conflicting object")
        return error(409 if conflict else 400, "Conflict" if conflict else "BadRequest", refused[0])
    body = {k: v for k, v in body.items() if "@odata.etag" not in k}
    if collection not in tenant.faults.silent:
        made = {**_whole(kind, body), "id": new_id()} if method == "POST" else _merged(old, body)
        if method == "POST" and "createdDateTime" in made:
            made["createdDateTime"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        if method == "POST" and kind == "groupSetting":
            made["displayName"] = "Group.Unified"
        if not many:
            tenant.change(collection, made)
        elif method == "POST":
            tenant.change(collection, [*kept, made])
        else:
            tenant.change(collection, [made if o["id"] == key else o for o in kept])
    if tenant.faults.fail_write:
        tenant.faults.fail_write -= 1
        if tenant.faults.fail_write == 0:
            return error(500, "internalServerError", "Something went wrong after the write.")
    return Reply(201, made) if method == "POST" and collection not in tenant.faults.silent else Reply(204)


def _rules(tenant: StandInTenant, collection: str, kept: Any, body: Any) -> Iterator[str]:
    """Rules that are in no type: from the reference pages of the calls."""
    guarded = tenant.data["graph"][SECURITY_DEFAULTS]["isEnabled"]
    if collection == POLICIES and body.get("state") == "enabled" and guarded:
        yield "Security Defaults is enabled in the tenant. Disable it before enabling a Conditional Access policy."
    enforced = any(o.get("state") == "enabled" for o in tenant.data["graph"][POLICIES])
    if collection == SECURITY_DEFAULTS and body.get("isEnabled") is True and enforced:
        yield "Security Defaults can't be enabled while Conditional Access policies are enabled."
    if collection == "/groupSettings" and any(o.get("templateId") == body.get("templateId") for o in kept):
        yield "A conflicting object with one or more of the specified property values is present in the directory."


def _whole(kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """A new object as Graph shows it: what was not given is null, or an empty list."""
    made: dict[str, Any] = {}
    for name, about in contract().fields(kind).items():
        value = body.get(name)
        if value is None:
            made[name] = [] if about.get("list") else None
        elif isinstance(value, Mapping) and about["type"] in contract().types:
            made[name] = _whole(about["type"], value)
        else:
            made[name] = value
    return made


def _merged(old: Any, new: Mapping[str, Any]) -> dict[str, Any]:
    """PATCH: what is given replaces, a nested object whole, as the strictest services do."""
    return {**copy.deepcopy(old), **new}
