"""What the stand-in can be asked about people: sign-ins, registrations and guests. Made from a few lines of fresh.yaml.

Nobody signed in anywhere: lines of `signIns` are repeated over the last days, and each policy that only reports is
held against them, so that a plan has something to count.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sandbox.graph.state import StandInTenant

POLICIES = "/identity/conditionalAccess/policies"
DAYS = 30
"""How far back the log goes, as with Entra ID P1."""
MODERN = frozenset({"Browser", "Mobile Apps and Desktop clients"})
_TERM = re.compile(r"(\w+) (eq|ge) (?:'([^']*)'|(true|false)|([0-9TZ:.-]+))$")


def sign_ins(tenant: StandInTenant) -> Iterator[dict[str, Any]]:
    """The log, newest first."""
    now = dt.datetime.now(tz=dt.UTC)
    reporting = [p for p in tenant.data["graph"][POLICIES] if p.get("state") == "enabledForReportingButNotEnforced"]
    for day in range(1, DAYS + 1):
        for line in tenant.data["signIns"]:
            for number in range(line["each_day"]):
                yield {
                    "id": f"{line['user']}-{day}-{number}",
                    "createdDateTime": (now - dt.timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "userId": line["user"],
                    "clientAppUsed": line["client"],
                    "appliedConditionalAccessPolicies": [
                        {"id": p["id"], "displayName": p["displayName"], "result": _result(p, line)} for p in reporting
                    ],
                }


def _result(policy: Mapping[str, Any], line: Mapping[str, Any]) -> str:
    """What a policy that only reports says of a sign-in, as far as the Cookbook's own policies go."""
    conditions, grant = policy["conditions"], policy.get("grantControls") or {}
    apps = conditions.get("clientAppTypes") or ["all"]
    flows = (conditions.get("authenticationFlows") or {}).get("transferMethods") or ""
    meant = "all" in apps or ("other" in apps and line["client"] not in MODERN)
    if not meant or conditions["users"].get("includeRoles") or ("deviceCodeFlow" in flows and not line.get("code")):
        return "reportOnlyNotApplied"
    if "block" in (grant.get("builtInControls") or []):
        return "reportOnlyFailure"
    return "reportOnlySuccess" if line.get("second_factor") else "reportOnlyInterrupted"


def registrations(tenant: StandInTenant) -> Iterator[dict[str, Any]]:
    """Who registered a second factor."""
    for fact, count in tenant.data["registrations"].items():
        yield from ({"id": f"{fact}-{n}", "isMfaRegistered": fact == "registered"} for n in range(count))


def users(tenant: StandInTenant) -> Iterator[dict[str, Any]]:
    """The guests; members are not needed by anything yet."""
    for domain, count in tenant.data["guests"].items():
        for number in range(count):
            mail = f"guest{number}@{domain}"
            name = mail.replace("@", "_") + "#EXT#@stand-in.onmicrosoft.test"
            yield {"id": mail, "mail": mail, "userPrincipalName": name, "userType": "Guest"}


LOGS: Mapping[str, Callable[[StandInTenant], Iterator[dict[str, Any]]]] = {
    "/auditlogs/signins": sign_ins,
    "/reports/authenticationmethods/userregistrationdetails": registrations,
    "/users": users,
}
"""What is read, by its path in lower case."""


def matching(objects: Iterator[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    """Those that a $filter names: terms with eq and ge, joined by `and`. Raises ValueError for any other."""
    terms = []
    for part in text.split(" and ") if text else ():
        match = _TERM.match(part)
        if match is None:
            raise ValueError(f"Invalid filter clause: {part}")
        name, operator, quoted, boolean, plain = match.groups()
        terms.append((name, operator, quoted if quoted is not None else boolean == "true" if boolean else plain))
    return [one for one in objects if all(_holds(one[name], op, value) for name, op, value in terms)]


def _holds(found: Any, operator: str, value: Any) -> bool:
    return bool(found == value if operator == "eq" else found >= value)
