"""Owners can't sign in, sign-in roles are members of one owner and have a password, and databases have their owner."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ggi.controls.sdk import Detail, Observation, Verdict, verdict

SIGN_IN = re.compile(r"_r[1-9][0-9]*$")
"""A sign-in role is named after its owner and the counter of the rotation."""
RIGHTS = ("superuser", "createdb", "createrole", "replication", "bypassrls")
Role = Mapping[str, Any]


def check(seen: Observation) -> Iterator[Verdict]:
    """One verdict per Cluster and per Database."""
    owners: dict[str, set[str]] = {}
    for subject in seen.of("Cluster"):
        spec = subject.body.get("spec") or {}
        named = [role for role in (spec.get("managed") or {}).get("roles") or () if isinstance(role, Mapping)]
        roles = [role for role in named if not _dropped(role) and not _of_nobody(role, spec)]
        wrong = [*_roles(roles), *_rules(roles, (spec.get("postgresql") or {}).get("pg_hba") or ())]
        owners[subject.kube_name] = {str(r.get("name")) for r in roles if not r.get("login")}
        yield verdict(subject.name, not wrong, sorted(set(wrong)) or Detail("roles", len(roles)))
    for subject in seen.of("Database"):
        spec = subject.body.get("spec") or {}
        known = owners.get(str((spec.get("cluster") or {}).get("name")), set())
        wrong = [] if spec.get("owner") in known else [Detail("owner", str(spec.get("owner")))]
        component = subject.name.rpartition("/")[2]
        settings = seen.environment.components.get(component)
        expected = (settings.database if settings else None) or component
        if expected.replace("-", "_") != str(spec.get("owner")).replace("-", "_"):
            wrong.append(Detail("other-owner"))
        # Whose the database is stands in its name; an absent or renamed one is lost to its application.
        if spec.get("ensure", "present") != "present":
            wrong.append(Detail("not-present"))
        chosen = {item.database for item in seen.environment.components.values() if item.database}
        if spec.get("name") != spec.get("owner") and spec.get("name") not in chosen:
            wrong.append(Detail("name", str(spec.get("name"))))
        for extension in spec.get("extensions") or ():
            if not extension.get("name") or extension.get("ensure", "present") != "present":
                wrong.append(Detail("extension"))
        yield verdict(subject.name, not wrong, sorted(wrong) or Detail("owner", spec.get("owner")))


def _dropped(role: Role) -> bool:
    """Whether a rotation took this sign-in role away: its own password and counter, no rights, and absent."""
    gone = role.get("ensure") == "absent" and not role.get("login")
    return gone and SIGN_IN.search(str(role.get("name"))) is not None


def _of_nobody(role: Role, spec: Mapping[str, Any]) -> bool:
    """Whether it is the role that the operator insists on at the start, and can do nothing: no sign-in, no rights."""
    started = ((spec.get("bootstrap") or {}).get("initdb") or {}).get("owner")
    powers = [role.get("login"), role.get("inRoles"), role.get("passwordSecret"), *map(role.get, RIGHTS)]
    return role.get("name") == started and role.get("connectionLimit") == 0 and not any(powers)


def _roles(roles: Sequence[Role]) -> Iterator[Detail]:
    owners = {str(role.get("name")) for role in roles if not role.get("login")}
    entered: set[str] = set()
    for role in roles:
        name, members = str(role.get("name")), [str(item) for item in role.get("inRoles") or ()]
        yield from (Detail("right", f"{name} {right}") for right in RIGHTS if role.get(right))
        if role.get("ensure", "present") != "present":
            yield Detail("role-absent", name)
        if not role.get("login"):
            if members or role.get("passwordSecret"):
                yield Detail("owner-signs-in", name)
            continue
        entered |= set(members)
        if len(members) != 1 or members[0] not in owners or not name.startswith(f"{members[0]}_r"):
            of = ", ".join(members)
            yield Detail("member", f"{name} {of}") if of else Detail("member-of-nothing", name)
        if not str((role.get("passwordSecret") or {}).get("name", "")).startswith("postgresql-"):
            yield Detail("no-password", name)
        if role.get("inherit", True) is not True or role.get("validUntil"):
            yield Detail("does-not-inherit", name)
    yield from (Detail("nobody-signs-in", name) for name in owners - entered)


def _rules(roles: Sequence[Role], lines: Sequence[str]) -> Iterator[Detail]:
    """Each database lets its own roles in, and everything else is refused at the end."""
    wanted = {str(role.get("name")) for role in roles if not role.get("login")}
    found = set()
    for line in lines:
        words = str(line).split()
        if words[:1] == ["hostssl"]:
            found.add(words[2].removeprefix("+") if len(words) > 2 else "")
            if len(words) < 4 or words[2][:1] != "+" or "all" in words[1].split(","):
                yield Detail("rule", " ".join(words[:3]))
    yield from (Detail("rule-for", name) for name in wanted ^ found)
    if not lines or str(lines[-1]).split() != ["host", "all", "all", "all", "reject"]:
        yield Detail("no-refusal")
