"""Derive contract.json from Microsoft's own files: `python -m sandbox.graph.derive`.

Types come from the npm package @microsoft/microsoft-graph-types (MIT), fetched with `npm pack`, or `--types FILE`;
permissions from permissions.json of github.com/microsoftgraph/microsoft-graph-devx-content (MIT), `--permissions FILE`.
What is kept is what the stand-in answers with: names, types, enum members, and who may call what. No text is kept.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

OUT = Path(__file__).parent / "contract.json"
PACKAGE = "@microsoft/microsoft-graph-types"
VERSION = "2.43.1"
PERMISSIONS_AT = "microsoftgraph/microsoft-graph-devx-content@6cbd6bb permissions/new/permissions.json"
COMMAND = "python -m sandbox.graph.derive --permissions permissions.json"

ROOTS = (
    "AuthorizationPolicy",
    "IdentitySecurityDefaultsEnforcementPolicy",
    "ConditionalAccessPolicy",
    "AuthenticationMethodsPolicy",
    "SmsAuthenticationMethodConfiguration",
    "VoiceAuthenticationMethodConfiguration",
    "EmailAuthenticationMethodConfiguration",
    "MicrosoftAuthenticatorAuthenticationMethodConfiguration",
    "AdminConsentRequestPolicy",
    "GroupSetting",
    "SharepointSettings",
    "TeamsAppSettings",
    "AdminReportSettings",
)
PATHS = (
    "/policies/authorizationPolicy",
    "/policies/identitySecurityDefaultsEnforcementPolicy",
    "/policies/adminConsentRequestPolicy",
    "/policies/authenticationMethodsPolicy",
    "/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/{id}",
    "/policies/b2bManagementPolicies",
    "/policies/b2bManagementPolicies/{id}",
    "/identity/conditionalAccess/policies",
    "/identity/conditionalAccess/policies/{id}",
    "/groupSettings",
    "/groupSettings/{id}",
    "/groups/{id}/transitiveMembers",
    "/admin/sharepoint/settings",
    "/admin/reportSettings",
    "/teamwork/teamsAppSettings",
    "/auditLogs/signIns",
    "/reports/authenticationMethods/userRegistrationDetails",
    "/users",
)
TOGETHER = {
    # The data lists these apart; the reference page of the call asks for all of them.
    "/policies/identitySecurityDefaultsEnforcementPolicy": ("Policy.Read.All", "Policy.ReadWrite.SecurityDefaults"),
    "/identity/conditionalAccess/policies": (
        "Policy.Read.All", "Policy.ReadWrite.ConditionalAccess", "Application.Read.All",
    ),
    "/identity/conditionalAccess/policies/{id}": (
        "Policy.Read.All", "Policy.ReadWrite.ConditionalAccess", "Application.Read.All",
    ),
}  # fmt: skip
NOT_FOLLOWED = {"application", "authenticationStrengthPolicy", "conditionalAccessRoot", "servicePrincipal", "user"}
"""Types of which only the id is written."""

_INTERFACE = re.compile(r"^export interface (\w+)(?: extends (\w+))? \{\n(.*?)^\}", re.M | re.S)
_EMPTY = re.compile(r"^export interface (\w+)(?: extends (\w+))? \{\}", re.M)
_ENUM = re.compile(r'^export type (\w+) =\s*((?:\|?\s*"[^"]*"\s*)+);', re.M)
_FIELD = re.compile(r"((?:^    (?://|/\*\*| \*)[^\n]*\n)*)^    (\w+)\?: ([^;]+);", re.M)


def parse(text: str) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """(types, enums) of a .d.ts file; names begin with a lower-case letter, as on the wire."""
    enums = {_wire(name): re.findall(r'"([^"]*)"', body) for name, body in _ENUM.findall(text)}
    types: dict[str, Any] = {_wire(n): {"base": _wire(b), "fields": {}} for n, b in _EMPTY.findall(text)}
    for name, base, body in _INTERFACE.findall(text):
        fields: dict[str, Any] = {}
        for comment, field, kind in _FIELD.findall(body):
            told = " ".join(comment.replace("*", " ").replace("//", " ").split())
            fields[field] = _field(kind, told)
        types[_wire(name)] = {"base": _wire(base), "fields": fields}
    return types, enums


def _wire(name: str) -> str:
    return name[:1].lower() + name[1:]


def _field(kind: str, told: str) -> dict[str, Any]:
    null = kind.startswith("NullableOption<")
    kind = kind.removeprefix("NullableOption<").removesuffix(">") if null else kind
    found: dict[str, Any] = {"type": _wire(kind.removesuffix("[]"))}
    if kind.endswith("[]"):
        found["list"] = True
    if null:
        found["null"] = True
    if re.search(r"\bread-?only\b", told, re.I):
        found["readonly"] = True
    if re.search(r"\bRequired\b\.?(?: |$)", told):
        found["required"] = True
    return found


def closure(types: dict[str, Any], enums: dict[str, list[str]]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The types and enums that the roots need."""
    waiting = [_wire(name) for name in ROOTS]
    kept: dict[str, Any] = {}
    used: dict[str, list[str]] = {}
    while waiting:
        name = waiting.pop()
        if name in kept:
            continue
        if name in enums:
            used[name] = enums[name]
            continue
        if name not in types:
            continue
        if name in NOT_FOLLOWED:
            kept[name] = {"base": "entity", "fields": {}}
            continue
        kept[name] = types[name]
        waiting += [types[name]["base"], *(f["type"] for f in types[name]["fields"].values())]
    return dict(sorted(kept.items())), dict(sorted(used.items()))


def permissions(data: dict[str, Any]) -> dict[str, Any]:
    """By path and method and kind of sign-in: the sets of permissions, any of which will do."""
    found: dict[str, dict[str, dict[str, list[list[str]]]]] = {}
    plain = {_plain(path): path for path in PATHS}
    for permission, entry in data["permissions"].items():
        for one in entry["pathSets"]:
            for path, options in one["paths"].items():
                own = plain.get(_plain(path))
                if own is None:
                    continue
                also = re.findall(r"AlsoRequires=([\w.,]+)", options or "")
                needed = sorted({permission, *(p for text in also for p in text.split(","))})
                for method in one["methods"]:
                    for scheme in one["schemeKeys"]:
                        if scheme == "DelegatedPersonal":
                            continue
                        asked = sorted(TOGETHER[own]) if own in TOGETHER and method != "GET" else needed
                        kind = "delegated" if scheme == "DelegatedWork" else "application"
                        sets = found.setdefault(own, {}).setdefault(method, {}).setdefault(kind, [])
                        if asked not in sets:
                            sets.append(asked)
    return {
        path: {m: {k: sorted(v) for k, v in sorted(s.items())} for m, s in sorted(methods.items())}
        for path, methods in sorted(found.items())
    }


def _plain(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{id}", path).lower()


def from_npm() -> str:
    """The .d.ts of the pinned package, fetched by npm."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", f"{PACKAGE}@{VERSION}"], cwd=folder, check=True, capture_output=True)
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
            member = archive.extractfile("package/microsoft-graph.d.ts")
            assert member is not None  # noqa: S101  (the package has it)
            return member.read().decode("utf-8")


def derived(types_text: str) -> dict[str, Any]:
    """What contract.json holds of types."""
    types, enums = closure(*parse(types_text))
    return {"types": types, "enums": enums}


def text_of(contract: dict[str, Any]) -> str:
    """One line a type, so that a change can be read."""

    def block(value: dict[str, Any]) -> str:
        lines = [f"  {json.dumps(k)}: {json.dumps(v, sort_keys=True)}" for k, v in value.items()]
        return "{\n" + ",\n".join(lines) + "\n }"

    parts: Iterable[str] = (
        f" {json.dumps(k)}: {block(v) if isinstance(v, dict) else json.dumps(v)}" for k, v in contract.items()
    )
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> None:
    """Write contract.json. Without --permissions the permissions stay as they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--types", type=Path, help="microsoft-graph.d.ts; default: fetched by npm")
    parser.add_argument("--permissions", type=Path, help="permissions.json")
    asked = parser.parse_args()
    text = asked.types.read_text(encoding="utf-8") if asked.types else from_npm()
    if asked.permissions:
        allowed = permissions(json.loads(asked.permissions.read_text(encoding="utf-8")))
    else:
        allowed = json.loads(OUT.read_text(encoding="utf-8"))["permissions"]
    head = {
        "about": "Derived from Microsoft's own files (MIT): names, types, members and permissions. Made by: " + COMMAND,
        "types_from": f"{PACKAGE} {VERSION}",
        "permissions_from": PERMISSIONS_AT,
    }
    OUT.write_text(text_of({**head, **derived(text), "permissions": allowed}), encoding="utf-8")


if __name__ == "__main__":
    main()
